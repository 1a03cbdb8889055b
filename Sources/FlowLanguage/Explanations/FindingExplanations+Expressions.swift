extension FindingExplanations {
    /// Findings that `Expressions` makes.
    static let expressions: [String: Page] = [
        "expression.always-fails": Page(
            cause: """
                The expression can only fail, whatever the values are, such as a division by the constant zero.
                """,
            remedy: """
                Correct the constant.
                """
        ),
        "expression.assignment": Page(
            cause: """
                A single '=' stands in the expression. Expressions compute; they assign nothing.
                """,
            remedy: """
                Write '==' to compare. set-variables and 'set' keep values.
                """
        ),
        "expression.constant": Page(
            cause: """
                A function that reads a text is given a constant that it cannot read, such as duration('1d'): durations \
                have no days, and a timestamp needs its time and its zone.
                """,
            remedy: """
                Write the constant as the function takes it: duration('24h'), timestamp('2026-11-20T00:00:00Z'), \
                money.minor('19.99', 'usd').
                """
        ),
        "expression.decimal": Page(
            cause: """
                A value of type decimal is a text in expressions, since no number of CEL holds it exactly. Compared, \
                '9.00' comes behind '12.50', '12.5' is not '12.50', and '+' writes one behind the other.
                """,
            remedy: """
                Keep money in minor units, as int. Compare in 'where', where decimals are numbers. Where rounding does \
                not matter, write double(a) < double(b).
                """
        ),
        "expression.empty": Page(
            cause: """
                There is nothing between '${' and '}', or behind 'when:'.
                """,
            remedy: """
                Write the expression.
                """
        ),
        "expression.escape": Page(
            cause: """
                A text inside the expression has an escape that CEL does not know.
                """,
            remedy: """
                Write a backslash twice, or begin the text with r: r'\\d+'.
                """
        ),
        "expression.macro": Page(
            cause: """
                has, all, exists, map, filter and their like are used in a form they do not have.
                """,
            remedy: """
                Write them as in list.all(x, x > 0) and has(a.b).
                """
        ),
        "expression.may-be-missing": Page(
            cause: """
                The value is there only if something has run that may have been skipped: by 'when', by a branch, \
                or by a failure that the flow went on from.
                """,
            remedy: """
                Select it with '.?' and say what holds without it: blocks.?x.field.orValue(0). Or move the block \
                so that it runs on every way.
                """
        ),
        "expression.message": Page(
            cause: """
                The expression builds a message, as in protocol buffers. The flow language has none.
                """,
            remedy: """
                Write a map: {'key': value}.
                """
        ),
        "expression.never-equal": Page(
            cause: """
                The value takes a few texts only, by its 'enum', the roles of the app or the states of a payment, and \
                the text it is compared with is none of them.
                """,
            remedy: """
                Write one of the texts. If there is a new one, add it to the 'enum'.
                """
        ),
        "expression.never-null": Page(
            cause: """
                The value is compared with null, but it is never null.
                """,
            remedy: """
                Remove the comparison; use has(…) or '.?' for what may be missing.
                """
        ),
        "expression.no-fields": Page(
            cause: """
                A field is selected from a value that has none, such as a number.
                """,
            remedy: """
                Look at what stands before the dot.
                """
        ),
        "expression.no-overload": Page(
            cause: """
                The function exists, but not for values of these types.
                """,
            remedy: """
                Convert one of the values: int(…), double(…), string(…).
                """
        ),
        "expression.number": Page(
            cause: """
                A number is not written as CEL writes it, or does not fit 64 bits.
                """,
            remedy: """
                Write digits, with a point or exponent for a double and a trailing u for an unsigned integer.
                """
        ),
        "expression.operator": Page(
            cause: """
                CEL has no such operator.
                """,
            remedy: """
                Write && for and, || for or, ! for not, == for equal.
                """
        ),
        "expression.regex": Page(
            cause: """
                The pattern is no regular expression of RE2.
                """,
            remedy: """
                Correct the pattern; look-around and back-references do not exist.
                """
        ),
        "expression.reserved": Page(
            cause: """
                The name is reserved by CEL.
                """,
            remedy: """
                Choose another name.
                """
        ),
        "expression.string": Page(
            cause: """
                A text inside the expression is not closed.
                """,
            remedy: """
                Close the quote; a quote inside is written as \\'.
                """
        ),
        "expression.syntax": Page(
            cause: """
                The text is not an expression of CEL.
                """,
            remedy: """
                The message says what was expected at the marked place.
                """
        ),
        "expression.template": Page(
            cause: """
                '${' is never closed with '}'.
                """,
            remedy: """
                Close it; a literal '${' is written '$${'.
                """
        ),
        "expression.too-deep": Page(
            cause: """
                The expression is nested deeper than allowed.
                """,
            remedy: """
                Compute parts of it with set-variables.
                """
        ),
        "expression.too-large": Page(
            cause: """
                The expression is larger than allowed.
                """,
            remedy: """
                Compute parts of it with set-variables.
                """
        ),
        "expression.type-mismatch": Page(
            cause: """
                Two parts of the expression have types that do not go together.
                """,
            remedy: """
                Convert one of them: int(…), double(…), string(…), timestamp(…).
                """
        ),
        "expression.unavailable": Page(
            cause: """
                The value is known to the flow but is not there at this place; the finding says why.
                """,
            remedy: """
                Move the block, or use what runs before it.
                """
        ),
        "expression.unknown-field": Page(
            cause: """
                The record has no field of that name.
                """,
            remedy: """
                Take the name from the note. Inputs, columns and outputs are declared where they come from.
                """
        ),
        "expression.unknown-function": Page(
            cause: """
                There is no function of that name.
                """,
            remedy: """
                Take the name from the note; 'runnel eval' tries expressions out.
                """
        ),
        "expression.unknown-name": Page(
            cause: """
                There is no variable of that name.
                """,
            remedy: """
                Begin with one of input, trigger, blocks, vars, error, run and now. A text needs quotes: 'PAID'.
                """
        ),
    ]
}
