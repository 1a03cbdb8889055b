/// The overloads of CEL's standard functions and of its extensions, as the checker knows them.
enum StandardSignatures {
    /// Overloads by name, in the order of the table.
    static let byName: [String: [FunctionSignature]] = {
        var table: [String: [FunctionSignature]] = [:]
        for text in [operators, conversions, times, strings, numbers, collections, others] {
            for line in text.split(separator: "\n") where !line.isEmpty {
                guard let signature = FunctionSignature(line: line) else {
                    preconditionFailure("a malformed line in the table of signatures: \(line)")
                }
                table[signature.name, default: []].append(signature)
            }
        }
        return table
    }()

    private static let operators = """
        _+_(int,int) int
        _+_(uint,uint) uint
        _+_(double,double) double
        _+_(string,string) string
        _+_(bytes,bytes) bytes
        _+_(list(A),list(A)) list(A)
        _+_(timestamp,duration) timestamp
        _+_(duration,timestamp) timestamp
        _+_(duration,duration) duration
        _-_(int,int) int
        _-_(uint,uint) uint
        _-_(double,double) double
        _-_(timestamp,timestamp) duration
        _-_(timestamp,duration) timestamp
        _-_(duration,duration) duration
        _*_(int,int) int
        _*_(uint,uint) uint
        _*_(double,double) double
        _/_(int,int) int
        _/_(uint,uint) uint
        _/_(double,double) double
        _%_(int,int) int
        _%_(uint,uint) uint
        -_(int) int
        -_(double) double
        !_(bool) bool
        _in_(A,list(A)) bool
        _in_(A,map(A,B)) bool
        """

    private static let conversions = """
        bool(bool) bool
        bool(string) bool
        int(int) int
        int(uint) int
        int(double) int
        int(string) int
        int(timestamp) int
        int(duration) int
        uint(uint) uint
        uint(int) uint
        uint(double) uint
        uint(string) uint
        double(double) double
        double(int) double
        double(uint) double
        double(string) double
        string(string) string
        string(int) string
        string(uint) string
        string(double) string
        string(bool) string
        string(bytes) string
        string(timestamp) string
        string(duration) string
        string(type) string
        bytes(bytes) bytes
        bytes(string) bytes
        timestamp(timestamp) timestamp
        timestamp(string) timestamp
        timestamp(int) timestamp
        duration(duration) duration
        duration(string) duration
        duration(int) duration
        dyn(A) dyn
        type(A) type
        size(string) int
        size(bytes) int
        size(list(A)) int
        size(map(A,B)) int
        string::size() int
        bytes::size() int
        list(A)::size() int
        map(A,B)::size() int
        """

    private static let times = """
        timestamp::getFullYear() int
        timestamp::getFullYear(string) int
        timestamp::getMonth() int
        timestamp::getMonth(string) int
        timestamp::getDate() int
        timestamp::getDate(string) int
        timestamp::getDayOfMonth() int
        timestamp::getDayOfMonth(string) int
        timestamp::getDayOfWeek() int
        timestamp::getDayOfWeek(string) int
        timestamp::getDayOfYear() int
        timestamp::getDayOfYear(string) int
        timestamp::getHours() int
        timestamp::getHours(string) int
        timestamp::getMinutes() int
        timestamp::getMinutes(string) int
        timestamp::getSeconds() int
        timestamp::getSeconds(string) int
        timestamp::getMilliseconds() int
        timestamp::getMilliseconds(string) int
        duration::getHours() int
        duration::getMinutes() int
        duration::getSeconds() int
        duration::getMilliseconds() int
        """

    private static let strings = """
        string::startsWith(string) bool
        string::endsWith(string) bool
        string::contains(string) bool
        string::matches(string) bool
        matches(string,string) bool
        string::charAt(int) string
        string::indexOf(string) int
        string::indexOf(string,int) int
        string::lastIndexOf(string) int
        string::lastIndexOf(string,int) int
        string::lowerAscii() string
        string::upperAscii() string
        string::replace(string,string) string
        string::replace(string,string,int) string
        string::split(string) list(string)
        string::split(string,int) list(string)
        string::substring(int) string
        string::substring(int,int) string
        string::trim() string
        string::reverse() string
        string::format(list(dyn)) string
        list(string)::join() string
        list(string)::join(string) string
        strings.quote(string) string
        base64.encode(bytes) string
        base64.decode(string) bytes
        regex.extract(string,string) optional_type(string)
        regex.extractAll(string,string) list(string)
        regex.replace(string,string,string) string
        regex.replace(string,string,string,int) string
        """

    private static let numbers = """
        math.ceil(double) double
        math.floor(double) double
        math.round(double) double
        math.trunc(double) double
        math.sqrt(double) double
        math.sqrt(int) double
        math.sqrt(uint) double
        math.isInf(double) bool
        math.isNaN(double) bool
        math.isFinite(double) bool
        math.abs(int) int
        math.abs(uint) uint
        math.abs(double) double
        math.sign(int) int
        math.sign(uint) uint
        math.sign(double) double
        math.bitAnd(int,int) int
        math.bitAnd(uint,uint) uint
        math.bitOr(int,int) int
        math.bitOr(uint,uint) uint
        math.bitXor(int,int) int
        math.bitXor(uint,uint) uint
        math.bitNot(int) int
        math.bitNot(uint) uint
        math.bitShiftLeft(int,int) int
        math.bitShiftLeft(uint,int) uint
        math.bitShiftRight(int,int) int
        math.bitShiftRight(uint,int) uint
        money.minor(string,string) int
        money.format(int,string) string
        money.scale(int,string,string) int
        money.scale(int,string) int
        money.split(int,int) list(int)
        """

    private static let collections = """
        list(A)::slice(int,int) list(A)
        list(list(A))::flatten() list(A)
        list(dyn)::flatten() list(dyn)
        list(dyn)::flatten(int) list(dyn)
        list(A)::sort() list(A)
        list(A)::distinct() list(A)
        list(A)::reverse() list(A)
        list(A)::first() optional_type(A)
        list(A)::last() optional_type(A)
        lists.range(int) list(int)
        sets.contains(list(A),list(A)) bool
        sets.equivalent(list(A),list(A)) bool
        sets.intersects(list(A),list(A)) bool
        """

    private static let others = """
        optional.of(A) optional_type(A)
        optional.ofNonZeroValue(A) optional_type(A)
        optional.none() optional_type(A)
        optional.unwrap(list(optional_type(A))) list(A)
        list(optional_type(A))::unwrapOpt() list(A)
        optional_type(A)::hasValue() bool
        optional_type(A)::value() A
        """
}
