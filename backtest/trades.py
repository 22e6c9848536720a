"""Round trips from fills: what each position earned from flat to flat."""

import polars as pl

DUST = 1e-9  # a position smaller than this share of the fill that made it is the rounding of a float, so flat

COLUMNS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "side": pl.String(),
    "opened": pl.Datetime("ns", "UTC"),
    "closed": pl.Datetime("ns", "UTC"),
    "quantity": pl.Float64(),
    "entry": pl.Float64(),
    "exit": pl.Float64(),
    "pnl": pl.Float64(),
    "fees": pl.Float64(),
    "slippage": pl.Float64(),
    "return": pl.Float64(),
    "fills": pl.UInt32(),
    "leg": pl.String(),
}


def trades(fills: pl.DataFrame) -> pl.DataFrame:
    """Closed trades, each from flat to flat in one symbol, in the order in which they closed.

    A fill that goes through zero closes one trade and opens the next; its fee and slippage are shared by quantity.
    What is still open after the last fill is no trade yet, and a position that was held before the first fill becomes
    none, because its entry is not known here.

    Args:
        fills: in the order in which they happened: ts, symbol, side ("buy" or "sell"), quantity (units, positive),
            price, fee, slippage (quote currency, >= 0), leg, position (units after the fill, signed).

    Returns:
        symbol
        side      "long" or "short"
        opened    time of the first fill
        closed    time of the last fill
        quantity  the most that was held, units
        entry     mean price of the fills that added, by quantity
        exit      mean price of the fills that took away, by quantity
        pnl       quote currency, after fees (slippage is in the prices already)
        fees      quote currency
        slippage  quote currency
        return    pnl / (entry price times all quantity that was added), a fraction
        fills     how many
        leg       of the last fill: what closed the trade
    """
    if not fills.height:
        return pl.DataFrame(schema=COLUMNS)
    long = pl.col("signed") > 0
    adds, takes = pl.col("signed") * pl.col("way") > 0, pl.col("signed") * pl.col("way") < 0
    size = pl.col("signed").abs()
    paid = size * pl.col("price")
    return (
        _pieces(fills)
        .with_columns(way=pl.col("signed").first().over("symbol", "trade").sign())
        .group_by("symbol", "trade", maintain_order=True)
        .agg(
            side=pl.when(long.first()).then(pl.lit("long")).otherwise(pl.lit("short")),
            opened=pl.col("ts").first(),
            closed=pl.col("ts").last(),
            quantity=pl.col("after").abs().max(),
            entry=paid.filter(adds).sum() / size.filter(adds).sum(),
            exit=paid.filter(takes).sum() / size.filter(takes).sum(),
            pnl=-(pl.col("signed") * pl.col("price")).sum() - pl.col("fee").sum(),
            fees=pl.col("fee").sum(),
            slippage=pl.col("slippage").sum(),
            spent=paid.filter(adds).sum(),
            fills=pl.len().cast(pl.UInt32),
            leg=pl.col("leg").last(),
            whole=(pl.col("before").first() == 0) & (pl.col("after").last() == 0),
            row=pl.col("row").last(),
        )
        .filter("whole")
        .sort("row")
        .with_columns((pl.col("pnl") / pl.col("spent")).alias("return"))
        .select(*COLUMNS)
    )


def _pieces(fills: pl.DataFrame) -> pl.DataFrame:
    """Fills with those that go through zero cut in two, and the number of the trade that each belongs to."""
    sign = pl.when(pl.col("side").cast(pl.String) == "buy").then(1.0).otherwise(-1.0)
    settled = pl.when(pl.col("position").abs() <= DUST * pl.col("quantity")).then(0.0).otherwise(pl.col("position"))
    rows = (
        fills.with_row_index("row")
        .with_columns(signed=sign * pl.col("quantity"), after=settled)
        .with_columns(start=pl.col("position") - pl.col("signed"))
        .with_columns(start=pl.when(pl.col("start").abs() <= DUST * pl.col("quantity")).then(0.0).otherwise("start"))
        .with_columns(before=pl.col("after").shift(1).over("symbol").fill_null(pl.col("start")))
        .select(
            pl.col("symbol").cast(pl.String), pl.col("leg").cast(pl.String), "row", "ts", "price", "fee", "slippage",
            "signed", "before", "after",
        )
    )  # fmt: skip
    through = pl.col("before") * pl.col("after") < 0
    crossing = rows.filter(through)
    if crossing.height:
        share = pl.col("before").abs() / pl.col("signed").abs()
        closing = _part(crossing, share).with_columns(signed=-pl.col("before"), after=pl.lit(0.0))
        opening = _part(crossing, 1.0 - share).with_columns(signed=pl.col("after"), before=pl.lit(0.0))
        rows = pl.concat([rows.filter(~through), closing, opening]).sort("row", maintain_order=True)
    return rows.with_columns(trade=(pl.col("before") == 0).cum_sum().over("symbol"))


def _part(rows: pl.DataFrame, share: pl.Expr) -> pl.DataFrame:
    return rows.with_columns(fee=pl.col("fee") * share, slippage=pl.col("slippage") * share)
