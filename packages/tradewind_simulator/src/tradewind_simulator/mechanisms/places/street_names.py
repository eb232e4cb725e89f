"""Words of which Brazilian addresses are made: common names of streets and neighbourhoods. Chosen: found in most larger cities."""

KINDS = ("Rua", "Avenida", "Travessa", "Alameda", "Praça", "Rodovia")
KINDS_SHORT = ("R.", "Av.", "Tv.", "Al.", "Pç.", "Rod.")
KIND_SHARES = (0.72, 0.17, 0.05, 0.03, 0.02, 0.01)
"""Share of each kind. Chosen: streets prevail, avenues follow."""

NAMES = tuple(
    name.strip()
    for name in """
    São José|São João|São Pedro|São Paulo|São Francisco|São Sebastião|Santo Antônio|Santa Rita|Santa Maria|Santa Luzia
    Sete de Setembro|Quinze de Novembro|Treze de Maio|Vinte e Um de Abril|Primeiro de Maio|Nove de Julho|Dois de Julho
    Tiradentes|Getúlio Vargas|Rui Barbosa|Santos Dumont|Duque de Caxias|Dom Pedro I|Dom Pedro II|Princesa Isabel
    Castro Alves|Machado de Assis|José de Alencar|Olavo Bilac|Monteiro Lobato|Gonçalves Dias|Carlos Gomes|Oswaldo Cruz
    Barão do Rio Branco|Marechal Deodoro|Marechal Floriano|Floriano Peixoto|Benjamin Constant|Prudente de Morais
    Campos Sales|Rodrigues Alves|Afonso Pena|Juscelino Kubitschek|Presidente Vargas|Presidente Dutra|Epitácio Pessoa
    Visconde de Mauá|Visconde do Rio Branco|Joaquim Nabuco|José Bonifácio|Bento Gonçalves|General Osório|Almirante Barroso
    Coronel Fernandes|Capitão Pereira|Padre Anchieta|Padre Cícero|Dom Bosco|Frei Caneca|Zumbi dos Palmares|Anita Garibaldi
    das Flores|das Palmeiras|das Acácias|dos Ipês|das Orquídeas|das Rosas|dos Jasmins|das Violetas|dos Girassóis|das Hortênsias
    Amazonas|Bahia|Ceará|Goiás|Maranhão|Mato Grosso|Minas Gerais|Paraíba|Paraná|Pernambuco|Piauí|Rio de Janeiro|Santa Catarina
    Alagoas|Sergipe|Espírito Santo|Rio Grande do Sul|Brasil|Brasília|Portugal|Itália|Argentina|Estados Unidos|Japão
    Boa Vista|Bela Vista|da Paz|da Liberdade|da Independência|da República|da Saudade|do Comércio|da Matriz|do Rosário
    Maria Quitéria|Chico Mendes|Ayrton Senna|Cecília Meireles|Carlos Drummond|Manoel Bandeira|Vinícius de Moraes|Tom Jobim
    João Pessoa|José Bezerra|Antônio Ferreira|Manoel Barbosa|Francisco Pereira|Sebastião Ferraz|Pedro Fernandes|Luiz Carvalho
    """.replace("\n", "|").split("|")
    if name.strip()
)
"""Names of streets."""

NEIGHBOURHOODS = tuple(
    name.strip()
    for name in """
    Centro|Boa Vista|São José|Santo Antônio|Jardim América|Vila Nova|Bela Vista|Santa Cruz|São Francisco|Industrial
    Nova Esperança|Jardim Brasil|Alto da Glória|Vila Maria|Santa Luzia|Santa Rita|São Pedro|São João|Planalto|Cidade Nova
    Jardim Paulista|Parque das Nações|Vila Isabel|Liberdade|Copacabana|Campo Grande|Ipiranga|Aparecida|Primavera|Progresso
    Jardim das Flores|Vila Operária|Residencial Aurora|Morada do Sol|Conjunto Esperança|Alvorada|Floresta|Bom Retiro|Água Verde|Cruzeiro
    """.replace("\n", "|").split("|")
    if name.strip()
)
"""Names of neighbourhoods."""
