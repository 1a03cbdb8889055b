extension FindingExplanations {
    static let files: [FindingCode: Page] = [
        .fileTooLarge: Page(
            cause: """
                The file has more bytes than a file of an app may have (1 MiB).
                """,
            remedy: """
                Split the flow, or move data out of the file; a flow describes work, it does not carry data.
                """
        ),
        .secret: Page(
            cause: """
                The text looks like a secret key of a service (sk_…, whsec_…, SG.…). Files of an app are shared, \
                copied and kept in version control; a key in them is lost.
                """,
            remedy: """
                Remove it, keep it with 'runnel secrets set NAME', and make a new key: whoever saw the file has \
                the old one.
                """
        ),
        .yamlEmpty: Page(
            cause: """
                The file holds no YAML: it is empty, or all of it is comments.
                """,
            remedy: """
                Write the app or flow, or remove the file.
                """
        ),
        .yamlEncoding: Page(
            cause: """
                The file is not UTF-8.
                """,
            remedy: """
                Save it as UTF-8; editors offer this as 'Save with encoding'.
                """
        ),
        .yamlCharacter: Page(
            cause: """
                A control character stands in the file. YAML allows tabs and line breaks alone.
                """,
            remedy: """
                Remove it. In a double-quoted text it can be written as an escape, such as "\\x07".
                """
        ),
        .yamlSyntax: Page(
            cause: """
                The text is not YAML. The message says what was expected; the mistake is often in the line \
                before.
                """,
            remedy: """
                Look at the indentation of the line and its neighbours, at ':' without a space, and at values \
                that need quotes.
                """
        ),
        .yamlQuote: Page(
            cause: """
                A quote is opened and never closed, so everything behind it became text.
                """,
            remedy: """
                Close it. Inside single quotes a quote is written twice ('it''s'); inside double quotes as \\".
                """
        ),
        .yamlBracket: Page(
            cause: """
                A '[' or '{' is opened and never closed, so what follows was taken for its content.
                """,
            remedy: """
                Close it with ']' or '}'.
                """
        ),
        .yamlTab: Page(
            cause: """
                A tab stands in the indentation. YAML counts spaces alone.
                """,
            remedy: """
                Replace it with spaces, and let the editor insert spaces for tabs in .yaml files.
                """
        ),
        .yamlDocuments: Page(
            cause: """
                A line '---' begins a second document. A file holds one app or one flow.
                """,
            remedy: """
                Remove the line, or move what follows into a file of its own.
                """
        ),
        .yamlKey: Page(
            cause: """
                The name of a key is a list or a mapping. This happens when a '{' or '[' begins an unquoted \
                value.
                """,
            remedy: """
                Put the value in quotes.
                """
        ),
        .yamlMerge: Page(
            cause: """
                '<<' merged mappings in YAML 1.1; YAML 1.2 has no such key, and tools disagree about it.
                """,
            remedy: """
                Write the keys out, or use an alias (*name) for a whole value.
                """
        ),
        .yamlDuplicateKey: Page(
            cause: """
                The same key is written twice in one mapping. YAML tools silently keep one of the two; which one \
                differs.
                """,
            remedy: """
                Remove one, or rename it if both were meant.
                """
        ),
        .yamlTag: Page(
            cause: """
                A value begins with '!', which names a YAML tag. The flow language has no tags.
                """,
            remedy: """
                Remove the tag, or put the value in quotes if the '!' belongs to it.
                """
        ),
        .yamlNumber: Page(
            cause: """
                An integer does not fit 64 bits, so its digits could not be kept.
                """,
            remedy: """
                Put it in quotes if it is a text, such as an id.
                """
        ),
        .yamlDepth: Page(
            cause: """
                Lists and mappings stand inside each other more than 64 deep.
                """,
            remedy: """
                Move the inner part into a flow of its own and call it with run-flow.
                """
        ),
        .yamlNodes: Page(
            cause: """
                The file holds more than 100,000 values, aliases expanded.
                """,
            remedy: """
                Split the file; data does not belong into flows.
                """
        ),
        .yamlAliasBudget: Page(
            cause: """
                The aliases (*name) of the file expand to more than 10,000 values. A few lines of aliases of \
                aliases can stand for billions.
                """,
            remedy: """
                Write the values out where they are needed.
                """
        ),
        .yamlAliasUnknown: Page(
            cause: """
                A value begins with '*', which names an alias, and no anchor of that name stands before it.
                """,
            remedy: """
                Put the value in quotes if the '*' belongs to it; otherwise write the anchor (&name) first.
                """
        ),
        .yamlAliasRecursive: Page(
            cause: """
                An alias stands inside the very value it names, which would never end.
                """,
            remedy: """
                Write the value out.
                """
        ),
        .trapComment: Page(
            cause: """
                ' #' begins a comment in an unquoted value. Here it cut an expression or a quote in two, or took a \
                '#${ … }' or a number such as '#7' away from a text.
                """,
            remedy: """
                Put the whole value in quotes: '${ a + " #" }'.
                """
        ),
        .trapNegation: Page(
            cause: """
                An unquoted value that begins with '!' is a YAML tag, so the '!' and the name behind it are gone \
                from the expression.
                """,
            remedy: """
                Put the expression in quotes: when: '!blocks.x.done'.
                """
        ),
        .trapColon: Page(
            cause: """
                ': ' inside an unquoted value begins a mapping. A text such as 'Order: paid', and '? :' in an \
                expression, need quotes.
                """,
            remedy: """
                Put the whole value in quotes.
                """
        ),
        .trapColonSpace: Page(
            cause: """
                A key is written without a space behind its ':', so YAML takes 'key:value' for one word.
                """,
            remedy: """
                Write 'key: value'.
                """
        ),
        .trapFlowExpression: Page(
            cause: """
                Inside { } and [ ] the braces of an unquoted ${ … } end or begin YAML mappings.
                """,
            remedy: """
                Put it in quotes: { id: '${ input.id }' }.
                """
        ),
        .trapLeading: Page(
            cause: """
                An unquoted value cannot begin with [ { ' " * & % @ ` | > or '- ' and go on as something else: \
                YAML gives these characters a meaning of their own.
                """,
            remedy: """
                Put the whole value in quotes: when: '"PAID" == blocks.x.status'.
                """
        ),
        .keyUnknown: Page(
            cause: """
                The mapping has a key that Runnel does not know here. It would have no effect.
                """,
            remedy: """
                Take the name from the note, or remove the key.
                """
        ),
        .keyMissing: Page(
            cause: """
                A key that must be there is not.
                """,
            remedy: """
                Add it.
                """
        ),
        .keyUnavailable: Page(
            cause: """
                The key belongs to the flow language, but this version of Runnel does not do it yet. It is \
                refused so that it is not silently without effect.
                """,
            remedy: """
                Remove it, or use a version that has it.
                """
        ),
        .typeMapping: Page(
            cause: """
                A mapping (key: value) is expected here, and something else was found.
                """,
            remedy: """
                Indent the keys below, or write { key: value }.
                """
        ),
        .typeList: Page(
            cause: """
                A list is expected here, and something else was found.
                """,
            remedy: """
                Begin each entry with '- ', or write [a, b].
                """
        ),
        .typeText: Page(
            cause: """
                A text is expected here, and something else was found.
                """,
            remedy: """
                Write a text; in quotes, if it looks like a number, true, false or null.
                """
        ),
        .typeBool: Page(
            cause: """
                true or false is expected here. In YAML 1.2 yes, no, on and off are texts.
                """,
            remedy: """
                Write true or false.
                """
        ),
        .typeInt: Page(
            cause: """
                An integer is expected here.
                """,
            remedy: """
                Write digits alone, with no quotes, point or separators. Amounts are in minor units: 1999 for \
                19.99.
                """
        ),
        .typeExpression: Page(
            cause: """
                A CEL expression is expected here, and a list, a mapping or nothing was found. A leading '[' or \
                '{' makes a list or mapping of an expression.
                """,
            remedy: """
                Put the expression in quotes.
                """
        ),
        .typeConstant: Page(
            cause: """
                The value has another type than what it is given to. Nothing is converted in silence.
                """,
            remedy: """
                Write a value of the expected type; quotes make a text, their absence a number or true and \
                false.
                """
        ),
        .typeMismatch: Page(
            cause: """
                The expression gives another type than what is expected where it stands.
                """,
            remedy: """
                Follow the note: convert with int(…), double(…), string(…) or timestamp(…), or give an optional \
                a value with .orValue(…).
                """
        ),
        .textValue: Page(
            cause: """
                A list, a mapping or something optional stands inside a text, where it cannot be written out.
                """,
            remedy: """
                Name one value of it, or say what holds when it is missing: .orValue('').
                """
        ),
        .textNull: Page(
            cause: """
                'error.status', 'error.declineCode', 'error.param' and 'error.requestId' are null where the other side \
                gave none: a decline code comes from banks alone, a status from services that were reached. A null in a \
                text fails the block, here within the very list that was to handle a failure.
                """,
            remedy: """
                Say what stands there instead: ${ error.status == null ? 'none' : error.status }.
                """
        ),
        .textExpression: Page(
            cause: """
                The value is written as an expression that could be computed here, but without '${' and '}': it is the \
                text itself.
                """,
            remedy: """
                Write '${ input.name }' for the value. If the text is meant, put it in quotes.
                """
        ),
        .valueChoice: Page(
            cause: """
                The value is not one of the few that are allowed here.
                """,
            remedy: """
                Take one of the listed values.
                """
        ),
        .valueRange: Page(
            cause: """
                The value is outside what is allowed here.
                """,
            remedy: """
                Take a value inside the bounds that the message names.
                """
        ),
        .nameIdentifier: Page(
            cause: """
                Blocks, tables, columns, inputs, outputs and variables are named in expressions, so their names \
                are CEL identifiers: letters, digits and '_'.
                """,
            remedy: """
                Rename it, such as markPaid for mark-paid.
                """
        ),
        .nameKebab: Page(
            cause: """
                Apps, flows, connections and widgets are named in lower-case letters, digits and '-', at most \
                64: their names stand in addresses.
                """,
            remedy: """
                Rename it, such as payment-callback for PaymentCallback.
                """
        ),
        .nameReserved: Page(
            cause: """
                The name is used by the server's own addresses.
                """,
            remedy: """
                Choose another name.
                """
        ),
        .nameCase: Page(
            cause: """
                Two names differ in case alone. Databases do not tell them apart.
                """,
            remedy: """
                Rename one of them.
                """
        ),
        .limitEntries: Page(
            cause: """
                A list or mapping of names has more entries than are allowed (1,000).
                """,
            remedy: """
                Split it; what is data belongs into a table.
                """
        ),
    ]
}
