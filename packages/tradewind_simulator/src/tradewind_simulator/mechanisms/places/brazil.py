"""Brazil: its federal units, larger cities and postal ranges, as reference data of ``geography``.

Population: IBGE, census of 2022, in thousands (rounded). Coordinates: of the city's centre, to 0.01°. Postal ranges: Correios,
first five digits (rounded to where a city's codes lie). Shares of orders by the customer's and by the seller's state: Olist's
public data of 2016 to 2018, rounded; where it has no seller, a hundredth of a percent (chosen: every state can sell).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """A federal unit. ``lat``, ``lng`` is a point in its middle: outskirts of coastal and border cities lie on that side."""

    code: str
    region: str
    population_thousands: int
    demand_share: float
    origin_share: float
    lat: float
    lng: float


@dataclass(frozen=True)
class City:
    """A city with its surroundings. ``prefixes`` are the ranges of its postal prefixes, both ends included."""

    name: str
    state: str
    lat: float
    lng: float
    population_thousands: int
    prefixes: tuple[tuple[int, int], ...]


STATES: tuple[State, ...] = (
    State("AC", "north", 831, 0.0009, 0.0001, -9.6, -69.0),
    State("AL", "northeast", 3128, 0.0042, 0.0001, -9.6, -36.6),
    State("AM", "north", 3942, 0.0015, 0.0002, -4.0, -62.0),
    State("AP", "north", 733, 0.0007, 0.0001, 0.9, -51.6),
    State("BA", "northeast", 14142, 0.0340, 0.0053, -12.5, -41.5),
    State("CE", "northeast", 8795, 0.0135, 0.0015, -5.2, -39.5),
    State("DF", "midwest", 2817, 0.0205, 0.0078, -15.8, -47.9),
    State("ES", "southeast", 3834, 0.0205, 0.0035, -19.6, -40.8),
    State("GO", "midwest", 7056, 0.0205, 0.0050, -16.2, -49.6),
    State("MA", "northeast", 6777, 0.0075, 0.0020, -5.0, -45.2),
    State("MG", "southeast", 20539, 0.1180, 0.0810, -18.7, -44.6),
    State("MS", "midwest", 2757, 0.0072, 0.0006, -20.5, -54.8),
    State("MT", "midwest", 3659, 0.0092, 0.0015, -13.2, -55.9),
    State("PA", "north", 8121, 0.0099, 0.0002, -4.0, -52.5),
    State("PB", "northeast", 3975, 0.0054, 0.0004, -7.2, -36.6),
    State("PE", "northeast", 9059, 0.0166, 0.0040, -8.4, -37.4),
    State("PI", "northeast", 3271, 0.0050, 0.0002, -7.4, -42.9),
    State("PR", "south", 11444, 0.0506, 0.0770, -24.6, -51.5),
    State("RJ", "southeast", 16055, 0.1290, 0.0430, -22.2, -42.7),
    State("RN", "northeast", 3303, 0.0049, 0.0006, -5.8, -36.5),
    State("RO", "north", 1581, 0.0026, 0.0002, -10.9, -62.8),
    State("RR", "north", 637, 0.0005, 0.0001, 2.0, -61.2),
    State("RS", "south", 10883, 0.0550, 0.0190, -29.7, -53.3),
    State("SC", "south", 7610, 0.0366, 0.0370, -27.2, -50.3),
    State("SE", "northeast", 2210, 0.0035, 0.0001, -10.6, -37.4),
    State("SP", "southeast", 44411, 0.4180, 0.7000, -22.3, -48.6),
    State("TO", "north", 1511, 0.0028, 0.0001, -10.2, -48.3),
)
"""The 27 federal units, in order of code."""

_CITIES = """
São Paulo;SP;-23.55;-46.63;11452;01000-05899,08000-08499
Guarulhos;SP;-23.45;-46.53;1292;07000-07399
Cajamar;SP;-23.36;-46.88;93;07750-07799
São Bernardo do Campo;SP;-23.69;-46.56;811;09600-09899
Santo André;SP;-23.66;-46.53;749;09000-09299
Mauá;SP;-23.67;-46.46;418;09300-09399
Diadema;SP;-23.69;-46.62;393;09900-09999
Osasco;SP;-23.53;-46.79;729;06000-06299
Carapicuíba;SP;-23.52;-46.84;387;06300-06399
Barueri;SP;-23.51;-46.88;317;06400-06499
Cotia;SP;-23.60;-46.92;274;06700-06729
Taboão da Serra;SP;-23.63;-46.79;273;06750-06799
Itaquaquecetuba;SP;-23.49;-46.35;370;08570-08599
Suzano;SP;-23.54;-46.31;307;08600-08699
Mogi das Cruzes;SP;-23.52;-46.19;450;08700-08899
Santos;SP;-23.96;-46.33;419;11000-11299
São Vicente;SP;-23.96;-46.39;330;11300-11399
Guarujá;SP;-23.99;-46.26;288;11400-11499
Praia Grande;SP;-24.01;-46.40;350;11700-11799
Taubaté;SP;-23.03;-45.56;311;12000-12199
São José dos Campos;SP;-23.18;-45.89;697;12200-12299
Jacareí;SP;-23.30;-45.97;240;12300-12349
Bragança Paulista;SP;-22.95;-46.54;177;12900-12939
Campinas;SP;-22.91;-47.06;1138;13000-13149
Sumaré;SP;-22.82;-47.27;279;13170-13189
Jundiaí;SP;-23.19;-46.88;443;13200-13229
Itu;SP;-23.26;-47.30;168;13300-13329
Indaiatuba;SP;-23.09;-47.22;256;13330-13359
Piracicaba;SP;-22.73;-47.65;424;13400-13449
Americana;SP;-22.74;-47.33;237;13465-13479
Limeira;SP;-22.56;-47.40;292;13480-13499
Rio Claro;SP;-22.41;-47.56;201;13500-13549
São Carlos;SP;-22.01;-47.89;255;13560-13599
Ribeirão Preto;SP;-21.18;-47.81;699;14000-14199
Franca;SP;-20.54;-47.40;353;14400-14499
Barretos;SP;-20.56;-48.57;122;14780-14799
Araraquara;SP;-21.79;-48.18;242;14800-14879
Ibitinga;SP;-21.76;-48.83;61;14940-14969
São José do Rio Preto;SP;-20.82;-49.38;480;15000-15199
Catanduva;SP;-21.14;-48.97;116;15800-15899
Araçatuba;SP;-21.21;-50.43;200;16000-16199
Bauru;SP;-22.31;-49.06;379;17000-17199
Marília;SP;-22.21;-49.95;238;17500-17599
Sorocaba;SP;-23.50;-47.46;724;18000-18129
Itapetininga;SP;-23.59;-48.05;158;18200-18299
Botucatu;SP;-22.89;-48.45;145;18600-18699
Presidente Prudente;SP;-22.13;-51.39;226;19000-19199
Ourinhos;SP;-22.98;-49.87;104;19900-19999
Rio de Janeiro;RJ;-22.89;-43.30;6211;20000-23799
Niterói;RJ;-22.89;-43.10;481;24000-24399
São Gonçalo;RJ;-22.83;-43.05;897;24400-24799
Duque de Caxias;RJ;-22.75;-43.31;808;25000-25499
São João de Meriti;RJ;-22.80;-43.37;441;25500-25599
Petrópolis;RJ;-22.51;-43.18;279;25600-25799
Nova Iguaçu;RJ;-22.74;-43.46;786;26000-26099,26200-26299
Belford Roxo;RJ;-22.76;-43.40;483;26100-26199
Volta Redonda;RJ;-22.52;-44.10;262;27200-27299
Macaé;RJ;-22.35;-41.80;246;27900-27999
Campos dos Goytacazes;RJ;-21.76;-41.33;484;28000-28099
Nova Friburgo;RJ;-22.28;-42.53;190;28600-28699
Cabo Frio;RJ;-22.87;-42.04;222;28900-28999
Vitória;ES;-20.30;-40.31;323;29000-29099
Vila Velha;ES;-20.35;-40.31;468;29100-29129
Cariacica;ES;-20.30;-40.42;353;29140-29159
Serra;ES;-20.18;-40.27;521;29160-29189
Cachoeiro de Itapemirim;ES;-20.85;-41.11;186;29300-29329
Linhares;ES;-19.39;-40.07;167;29900-29919
Belo Horizonte;MG;-19.92;-43.94;2316;30000-31999
Contagem;MG;-19.93;-44.05;622;32000-32399
Betim;MG;-19.97;-44.20;412;32500-32699
Governador Valadares;MG;-18.85;-41.95;257;35000-35109
Ipatinga;MG;-19.47;-42.54;228;35160-35179
Divinópolis;MG;-20.14;-44.88;231;35500-35519
Sete Lagoas;MG;-19.47;-44.25;227;35700-35719
Juiz de Fora;MG;-21.76;-43.35;541;36000-36109
Barbacena;MG;-21.23;-43.77;125;36200-36219
Viçosa;MG;-20.75;-42.88;76;36570-36589
Varginha;MG;-21.55;-45.43;136;37000-37109
Pouso Alegre;MG;-22.23;-45.94;152;37550-37569
Poços de Caldas;MG;-21.79;-46.56;164;37700-37719
Uberaba;MG;-19.75;-47.93;338;38000-38119
Uberlândia;MG;-18.92;-48.28;713;38400-38439
Patos de Minas;MG;-18.58;-46.52;159;38700-38729
Montes Claros;MG;-16.73;-43.86;414;39400-39429
Teófilo Otoni;MG;-17.86;-41.51;137;39800-39819
Salvador;BA;-12.93;-38.45;2418;40000-42499
Camaçari;BA;-12.70;-38.32;300;42800-42839
Feira de Santana;BA;-12.26;-38.96;616;44000-44109
Vitória da Conquista;BA;-14.86;-40.84;371;45000-45109
Itabuna;BA;-14.79;-39.28;187;45600-45629
Ilhéus;BA;-14.79;-39.06;179;45650-45679
Porto Seguro;BA;-16.44;-39.08;168;45810-45829
Barreiras;BA;-12.15;-45.00;159;47800-47819
Juazeiro;BA;-9.43;-40.50;238;48900-48929
Aracaju;SE;-10.93;-37.07;603;49000-49109
Nossa Senhora do Socorro;SE;-10.86;-37.13;193;49160-49179
Itabaiana;SE;-10.69;-37.43;103;49500-49519
Recife;PE;-8.05;-34.91;1489;50000-52999
Olinda;PE;-8.01;-34.87;350;53000-53399
Jaboatão dos Guararapes;PE;-8.14;-34.96;644;54000-54599
Caruaru;PE;-8.28;-35.97;378;55000-55109
Garanhuns;PE;-8.89;-36.49;142;55290-55309
Petrolina;PE;-9.39;-40.50;387;56300-56339
Maceió;AL;-9.62;-35.73;958;57000-57099
Arapiraca;AL;-9.75;-36.66;235;57300-57329
João Pessoa;PB;-7.13;-34.86;834;58000-58099
Campina Grande;PB;-7.23;-35.88;419;58400-58449
Patos;PB;-7.02;-37.28;103;58700-58719
Natal;RN;-5.81;-35.22;751;59000-59139
Parnamirim;RN;-5.91;-35.26;253;59140-59163
Mossoró;RN;-5.19;-37.34;265;59600-59649
Fortaleza;CE;-3.77;-38.54;2429;60000-61599
Caucaia;CE;-3.74;-38.66;356;61600-61659
Sobral;CE;-3.69;-40.35;203;62000-62109
Juazeiro do Norte;CE;-7.21;-39.32;287;63000-63069
Iguatu;CE;-6.36;-39.30;98;63500-63519
Teresina;PI;-5.09;-42.80;866;64000-64109
Parnaíba;PI;-2.91;-41.77;162;64200-64229
Picos;PI;-7.08;-41.47;83;64600-64619
São Luís;MA;-2.55;-44.26;1038;65000-65109
Caxias;MA;-4.86;-43.36;156;65600-65629
Balsas;MA;-7.53;-46.04;101;65800-65829
Imperatriz;MA;-5.53;-47.48;273;65900-65929
Belém;PA;-1.43;-48.47;1303;66000-66999
Ananindeua;PA;-1.37;-48.38;479;67000-67199
Santarém;PA;-2.44;-54.71;332;68000-68109
Altamira;PA;-3.20;-52.21;126;68370-68389
Marabá;PA;-5.37;-49.12;266;68500-68514
Parauapebas;PA;-6.07;-49.90;267;68515-68529
Castanhal;PA;-1.30;-47.92;192;68740-68759
Macapá;AP;0.03;-51.07;442;68900-68914
Santana;AP;-0.04;-51.17;107;68925-68934
Manaus;AM;-3.08;-60.01;2063;69000-69099
Itacoatiara;AM;-3.14;-58.44;103;69100-69119
Parintins;AM;-2.63;-56.74;96;69150-69169
Tefé;AM;-3.35;-64.71;73;69470-69479
Boa Vista;RR;2.82;-60.67;413;69300-69339
Rorainópolis;RR;0.94;-60.43;33;69370-69379
Rio Branco;AC;-9.97;-67.81;364;69900-69924
Cruzeiro do Sul;AC;-7.63;-72.67;92;69980-69989
Brasília;DF;-15.82;-47.98;2817;70000-72699,73000-73399
Luziânia;GO;-16.25;-47.95;209;72800-72859
Goiânia;GO;-16.68;-49.26;1437;74000-74899
Aparecida de Goiânia;GO;-16.82;-49.25;528;74900-74999
Anápolis;GO;-16.33;-48.95;399;75000-75149
Catalão;GO;-18.17;-47.94;115;75700-75719
Rio Verde;GO;-17.79;-50.92;226;75900-75919
Porto Velho;RO;-8.76;-63.88;461;76800-76834
Ji-Paraná;RO;-10.88;-61.95;125;76900-76919
Vilhena;RO;-12.74;-60.14;96;76980-76989
Palmas;TO;-10.21;-48.33;303;77000-77299
Gurupi;TO;-11.73;-49.07;85;77400-77459
Araguaína;TO;-7.19;-48.20;172;77800-77839
Cuiabá;MT;-15.60;-56.08;651;78000-78109
Várzea Grande;MT;-15.65;-56.13;300;78110-78169
Tangará da Serra;MT;-14.62;-57.49;106;78300-78319
Sinop;MT;-11.86;-55.50;196;78550-78569
Rondonópolis;MT;-16.47;-54.64;245;78700-78759
Sorriso;MT;-12.54;-55.71;111;78890-78899
Campo Grande;MS;-20.47;-54.62;898;79000-79129
Corumbá;MS;-19.01;-57.65;96;79300-79359
Três Lagoas;MS;-20.79;-51.70;132;79600-79649
Dourados;MS;-22.22;-54.81;243;79800-79849
Curitiba;PR;-25.45;-49.27;1774;80000-82999
São José dos Pinhais;PR;-25.53;-49.20;330;83000-83189
Paranaguá;PR;-25.52;-48.53;146;83200-83219
Ponta Grossa;PR;-25.09;-50.16;358;84000-84109
Guarapuava;PR;-25.39;-51.46;182;85000-85119
Cascavel;PR;-24.96;-53.46;348;85800-85829
Foz do Iguaçu;PR;-25.52;-54.55;285;85850-85879
Londrina;PR;-23.31;-51.16;556;86000-86099
Maringá;PR;-23.42;-51.93;410;87000-87109
Umuarama;PR;-23.77;-53.32;117;87500-87519
Florianópolis;SC;-27.59;-48.53;537;88000-88099
São José;SC;-27.60;-48.62;271;88100-88124
Itajaí;SC;-26.91;-48.68;264;88300-88319
Balneário Camboriú;SC;-27.00;-48.63;139;88330-88349
Lages;SC;-27.82;-50.33;165;88500-88539
Criciúma;SC;-28.68;-49.37;215;88800-88829
Blumenau;SC;-26.91;-49.07;361;89000-89099
Joinville;SC;-26.30;-48.85;616;89200-89239
Jaraguá do Sul;SC;-26.48;-49.08;183;89250-89269
Chapecó;SC;-27.10;-52.62;255;89800-89819
Porto Alegre;RS;-30.05;-51.19;1333;90000-91999
Canoas;RS;-29.92;-51.18;348;92000-92449
Novo Hamburgo;RS;-29.69;-51.13;228;93300-93549
Gravataí;RS;-29.94;-50.99;265;94000-94199
Caxias do Sul;RS;-29.17;-51.18;463;95000-95129
Pelotas;RS;-31.76;-52.34;325;96000-96119
Rio Grande;RS;-32.05;-52.14;192;96200-96219
Bagé;RS;-31.33;-54.10;118;96400-96449
Santa Cruz do Sul;RS;-29.71;-52.43;133;96800-96849
Santa Maria;RS;-29.69;-53.81;272;97000-97119
Uruguaiana;RS;-29.77;-57.08;117;97500-97519
Passo Fundo;RS;-28.26;-52.41;206;99000-99109
Erechim;RS;-27.63;-52.27;106;99700-99719
"""


def _city(line: str) -> City:
    name, state, lat, lng, population, prefixes = line.split(";")
    ranges = [tuple(int(end) for end in part.split("-")) for part in prefixes.split(",")]
    return City(name, state, float(lat), float(lng), int(population), tuple((low, high) for low, high in ranges))


CITIES: tuple[City, ...] = tuple(_city(line) for line in _CITIES.strip().splitlines())
"""Some two hundred cities, in order of postal prefix but for the ranges that a city has apart."""
