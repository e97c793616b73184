"""What to do about each kind of row that can't be used."""

from __future__ import annotations

from trainer.interactions import cleaning, dislikes, id_types
from trainer.rows import row_filter
from trainer.sources.text import broken_csv, json_lines
from trainer.sources.values import convert as values

_ADVICE = {
    row_filter.MISSING: "Fill them in where they come from, or let them be dropped. --missing says which texts stand for none.",
    values.NOT_POSITIVE: "SAR learns from positive weights only. If 0 or less means something, shift the scale, or use --weight-column ''.",
    dislikes.NOT_LIKED: "Nothing is learned from them, and they are never recommended back. If 0 says nothing (no rating was given), say "
    "--negative drop, or --weight-column ''.",
    dislikes.TAKEN_BACK: "All weights of the pair together are 0 or less, as of a purchase that was returned.",
    values.TOO_HEAVY: "Correct them, or rescale all weights: such numbers can't be told apart in float32.",
    values.NO_NUMBER: "Correct them. If the decimal mark is a comma, say --decimal , ; if words are to weigh something, say "
    "--event-column with the name of the column, and --event-weights as in good=5,bad=1.",
    values.NO_TIME: "Correct them, or name the format with --time-format.",
    values.NO_DATE: "Correct them, or name their unit with --time-unit.",
    values.ZERO_TIME: "Fill them in where they come from, or let them be dropped.",
    values.STRAY_TIME: "They are in another unit, or stand for no time: correct them. --time-unit names the unit of the others.",
    values.LONG_ID: "Ids may have 512 bytes; use a shorter key.",
    values.FUTURE: "Correct them, or the clock of this machine; --future-times keep keeps them, and lets everything else decay from there. "
    "A year such as 2567 is one of the Buddhist calendar: 2024.",
    id_types.ODD_ID: "Correct them. --user-id-type text and --item-id-type text take all ids as texts.",
    row_filter.EMPTY: "Nothing is lost.",
    row_filter.RULE: "Nothing is lost.",
    row_filter.NAMES_AGAIN: "Files were put together, it seems. Nothing is lost.",
    values.UNKNOWN_EVENT: "Name them in --event-weights if they count.",
    broken_csv.TOO_MANY: "Put quotation marks around values that hold the separator.",
    broken_csv.NEVER_CLOSED: 'Close it, or write a quotation mark inside a quoted value twice ("").',
    broken_csv.HELD: 'Write a quotation mark inside a value twice (""), and values with line ends without lines that look like rows.',
    broken_csv.STRAY: 'Write a quotation mark inside a quoted value twice (""); put values that hold the separator in quotation marks.',
    broken_csv.OTHERWISE: "Write all lines with one separator.",
    broken_csv.NOT_TEXT: "Name the encoding of the file with --encoding, as in cp1252.",
    json_lines.NO_OBJECT: "Each line must be one JSON object.",
    json_lines.KEY_TWICE: "Keep one of them where the file is made.",
    json_lines.NO_TEXT: "Correct the escapes \\ud800 to \\udfff: they come in pairs.",
    json_lines.NO_ID: "Ids are texts or integers; take them out of objects, as user.id. A list of items a row is read with --baskets.",
    cleaning.DUPLICATE["last"]: "As --duplicates last asks.",
    cleaning.DUPLICATE["max"]: "As --duplicates max asks.",
    cleaning.FEW_USER: "As --min-user-interactions asks.",
    cleaning.FEW_ITEM: "As --min-item-interactions asks.",
    cleaning.ROBOT: "As --max-user-interactions asks.",
}


def advice_for(reason: str) -> str:
    return _ADVICE.get(reason, "")
