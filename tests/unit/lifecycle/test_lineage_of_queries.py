"""Lineage of single queries: what enters a value, what only chooses, what decides which rows there are."""

import pytest
from sqlglot import exp

from tradewind_contracts.errors import IntegrityError, NotFoundError
from tradewind_lifecycle.lineage import ColumnGraph, Use
from tradewind_lifecycle.lineage.queries import query_lineage
from tradewind_lifecycle.lineage.relations import Relation, base_relation, merged
from tradewind_lifecycle.lineage.syntax import parsed

TABLES = {
    "orders": base_relation("orders", ["order_id", "merchant_id", "ordered_at", "price", "is_gift"], ["order_id"]),
    "items": base_relation("items", ["order_id", "number", "weight"], ["order_id", "number"]),
    "merchants": base_relation("merchants", ["merchant_id", "state"], ["merchant_id"]),
    "rates": base_relation("rates", ["state", "from_at", "rate"]),
}


def table(node: exp.Table) -> Relation:
    return TABLES[node.name]


def lineage(sql: str) -> tuple[dict[str, tuple[str, str]], str]:
    """Of each column: what enters it and what chooses it; and what decides the rows. Names are joined by spaces."""
    found = query_lineage(parsed(sql), table).as_one()
    made = {name: merged(traced.values()) for name, traced in found.columns.items()}
    return {name: (words(origin.values), words(origin.conditions)) for name, origin in made.items()}, words(found.all_rows())


def words(sources: frozenset[tuple[str, str]]) -> str:
    return " ".join(sorted(f"{source}.{column}" for source, column in sources))


def test_a_plain_selection_takes_its_columns_and_its_filter_decides_the_rows() -> None:
    columns, rows = lineage("select price * 2 as doubled, 'x' as word, order_id from orders where is_gift and price > 0")
    assert columns == {"doubled": ("orders.price", ""), "word": ("", ""), "order_id": ("orders.order_id", "")}
    assert rows == "orders.* orders.is_gift orders.price"


def test_what_an_aggregate_is_filtered_and_grouped_by_chooses_it_and_never_enters_it() -> None:
    columns, rows = lineage("select merchant_id, sum(price) as total, count(*) as n from orders where is_gift group by merchant_id")
    assert columns["merchant_id"] == ("orders.merchant_id", "")
    assert columns["total"] == ("orders.price", "orders.* orders.is_gift orders.merchant_id")
    assert columns["n"] == ("", "orders.* orders.is_gift orders.merchant_id")
    assert rows == "orders.* orders.is_gift orders.merchant_id"


def test_an_aggregate_of_everything_is_one_row_whatever_there_was() -> None:
    columns, rows = lineage("select max(ordered_at) as newest from orders where is_gift")
    assert columns == {"newest": ("orders.ordered_at", "orders.* orders.is_gift")}
    assert rows == ""


def test_a_join_to_a_key_decides_what_it_brings_and_not_which_rows_there_are() -> None:
    columns, rows = lineage(
        "select orders.price, merchants.state from orders left join merchants on orders.merchant_id = merchants.merchant_id"
    )
    assert columns["price"] == ("orders.price", "")
    assert columns["state"] == ("merchants.state", "merchants.* merchants.merchant_id orders.merchant_id")
    assert rows == "orders.*"


def test_a_join_that_may_double_rows_decides_which_there_are() -> None:
    columns, rows = lineage("select orders.price from orders left join items on orders.order_id = items.order_id")
    assert columns["price"] == ("orders.price", "")
    assert rows == "items.* items.order_id orders.* orders.order_id"


def test_an_inner_join_drops_rows_and_so_decides_them() -> None:
    _, rows = lineage("select o.price from orders as o inner join merchants as m on o.merchant_id = m.merchant_id")
    assert rows == "merchants.* merchants.merchant_id orders.* orders.merchant_id"


def test_a_key_is_known_through_selections_and_groups() -> None:
    of_selection = "select orders.price, m.state from orders left join (select merchant_id, state from merchants) as m on m.merchant_id = orders.merchant_id"
    of_group = "select orders.price from orders left join (select order_id, sum(weight) as w from items group by order_id) as i on orders.order_id = i.order_id"
    of_left_out = "select orders.price from orders left join (select state from merchants) as m on m.state = orders.merchant_id"
    assert lineage(of_selection)[1] == lineage(of_group)[1] == "orders.*"
    assert "merchants.state" in lineage(of_left_out)[1]


def test_an_asof_join_brings_one_row_at_most() -> None:
    columns, rows = lineage(
        "select o.price, r.rate from orders as o asof left join rates as r on o.merchant_id = r.state and o.ordered_at >= r.from_at"
    )
    assert columns["rate"] == ("rates.rate", "orders.merchant_id orders.ordered_at rates.* rates.from_at rates.state")
    assert rows == "orders.*"


def test_kinds_of_facts_that_are_stacked_by_name_stay_apart_through_groups_and_windows() -> None:
    columns, rows = lineage("""
        with facts as (
            select merchant_id, ordered_at as at, price from orders where is_gift
            union all by name
            select order_id as merchant_id, number as at, weight from items
        ),
        totals as (select merchant_id, at, coalesce(sum(price), 0) as price, sum(weight) as weight from facts group by merchant_id, at)
        select price - lag(price, 7, 0) over history as price, weight, price / weight as both_kinds, price * at as dated
        from totals window history as (partition by merchant_id order by at)
    """)
    chosen = "orders.* orders.is_gift orders.merchant_id orders.ordered_at"
    assert columns["price"] == ("orders.price", chosen)
    assert columns["weight"] == ("items.weight", "items.* items.number items.order_id")
    assert columns["dated"] == ("orders.ordered_at orders.price", "orders.* orders.is_gift orders.merchant_id orders.ordered_at")
    assert columns["both_kinds"] == ("items.weight orders.price", f"items.* items.number items.order_id {chosen}")
    assert rows == "items.* items.number items.order_id orders.* orders.is_gift orders.merchant_id orders.ordered_at"


def test_an_empty_value_of_one_arm_is_not_a_source() -> None:
    columns, _ = lineage("select price as v from orders union all select cast(null as double) as v from items")
    assert columns["v"] == ("orders.price", "")


def test_the_end_of_a_generated_range_decides_how_many_rows_there_are_and_no_value() -> None:
    columns, rows = lineage("select price, number + unnest(range(weight)) as at from orders cross join items")
    assert columns["at"] == ("items.number", "")
    assert columns["price"] == ("orders.price", "")
    assert rows == "items.* items.weight orders.*"


def test_a_filter_and_an_order_inside_of_an_aggregate_only_choose() -> None:
    columns, _ = lineage("select count(*) filter (where is_gift) as gifts, arg_max(price, ordered_at) as newest from orders")
    assert columns["gifts"] == ("", "orders.* orders.is_gift")
    assert columns["newest"] == ("orders.price", "orders.* orders.ordered_at")


def test_the_branches_of_a_case_and_what_decides_between_them_enter_the_value() -> None:
    columns, _ = lineage("select case when is_gift then price end as gift_price from orders")
    assert columns["gift_price"] == ("orders.is_gift orders.price", "")


def test_a_windows_sum_is_chosen_by_what_filters_its_rows_and_a_lag_by_its_order() -> None:
    columns, _ = lineage(
        "select sum(price) over (partition by merchant_id) as s, lag(price) over (order by ordered_at) as l from orders where is_gift"
    )
    assert columns["s"] == ("orders.price", "orders.* orders.is_gift orders.merchant_id")
    assert columns["l"] == ("orders.price", "orders.ordered_at")


def test_stars_queries_inside_of_expressions_and_names_given_before_are_followed() -> None:
    columns, rows = lineage("""
        with named (id, money) as (select order_id, price from orders)
        select named.* exclude (id), money * (select max(rate) from rates) as rated, rated + 1 as more
        from named where id in (select order_id from items where weight > 1) qualify row_number() over (order by id) = 1
    """)
    assert columns["money"] == ("orders.price", "")
    assert columns["more"] == columns["rated"] == ("orders.price rates.rate", "rates.*")
    assert rows == "items.* items.order_id items.weight orders.* orders.order_id"


def test_a_query_inside_of_another_may_look_at_the_outer_ones_columns() -> None:
    _, rows = lineage("select price from orders where exists (select 1 from items where items.order_id = orders.order_id)")
    assert rows == "items.* items.order_id orders.* orders.order_id"


def test_a_limit_by_an_order_and_distinct_on_decide_rows() -> None:
    assert lineage("select price from orders order by ordered_at limit 1")[1] == "orders.* orders.ordered_at"
    assert "orders.merchant_id" in lineage("select distinct on (merchant_id) price from orders order by ordered_at")[1]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select missing from orders", "`missing` is no column of what the query reads"),
        ("select missing as missing from orders", "`missing` is no column of what the query reads"),
        ("select orders.missing from orders", r"`orders\.missing` is no column"),
        ("select order_id from orders inner join items on true", "`order_id` is a column of orders and items; say of which"),
        ("select * from read_parquet('x.parquet')", "a table function can't be followed by lineage"),
        ("pivot orders on is_gift using sum(price)", "can't be followed|not a query"),
        ("with recursive t as (select 1 as a union all select a + 1 from t) select a from t", "a recursive query can't be followed"),
        ("select sum(price) over nowhere from orders", "window 'nowhere', which the query does not declare"),
        ("select columns('x.*') from orders", "can't be followed"),
        ("select from where", "not SQL that can be read"),
        ("drop table orders", "not a query"),
    ],
)
def test_what_can_not_be_followed_is_refused_by_name(sql: str, says: str) -> None:
    with pytest.raises(IntegrityError, match=says):
        lineage(sql)


def test_along_a_way_the_weakest_use_counts_and_of_several_ways_the_strongest() -> None:
    graph = ColumnGraph(
        {
            "a.t.x": {},
            "b.t.y": {"a.t.x": Use.VALUE},
            "b.t.z": {"a.t.x": Use.CONDITION},
            "c.t.f": {"b.t.y": Use.CONDITION, "b.t.z": Use.VALUE},
            "c.t.g": {"b.t.z": Use.VALUE, "b.t.y": Use.VALUE},
            "c.t.h": {"b.t.z": Use.ROWS},
        }
    )
    assert graph.sources("c.t.f") == {"a.t.x": Use.CONDITION}
    assert graph.sources("c.t.g") == {"a.t.x": Use.VALUE}
    assert graph.sources("c.t.h") == {"a.t.x": Use.ROWS}
    assert graph.downstream("a.t.x") == {
        "b.t.y": Use.VALUE, "b.t.z": Use.CONDITION, "c.t.f": Use.CONDITION, "c.t.g": Use.VALUE, "c.t.h": Use.ROWS,
    }  # fmt: skip
    assert ColumnGraph.from_json(graph.to_json()).inputs == graph.inputs
    with pytest.raises(NotFoundError, match=r"no column 'c\.t\.missing' \(there are: c\.t\.f, c\.t\.g, c\.t\.h\)"):
        graph.upstream("c.t.missing")
