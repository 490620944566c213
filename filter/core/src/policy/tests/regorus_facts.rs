//! Every line of `facts/regorus.md` that names a wrong answer, a crash or a hang of regorus' interpreter: here it is the
//! right answer, or a refusal. What only concerns its bytecode VM (section 1.3, the `RVM only` lines of section 10,
//! 255 registers, 8 arguments) does not apply: neither of regorus' evaluators runs here. OPA's answers were asked of
//! OPA 1.22.2.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{agree, conflict, opa, opa_or_nothing, refuse, refuse_with, stops};

/// `net.cidr_expand("::/0")`, a huge `numbers.range` and a huge width of `sprintf` never end in regorus.
#[test]
fn s2_no_builtin_runs_to_exhaustion() {
    opa_or_nothing("{}", r#"x := count(net.cidr_expand("10.0.0.0/30"))"#, &[("{}", "4")]);
    stops("x := count(net.cidr_expand(\"::/0\"))");
    stops("x := count(numbers.range(0, 10000000000000))");
    opa_or_nothing("{}", r#"x := sprintf("%0999999999d", [1])"#, &[("{}", r#""%!(NOVERB)%!(EXTRA int64=1)""#)]);
}

/// Recursion overflows regorus' stack.
#[test]
fn s2_recursion_of_functions_and_rules() {
    refuse(
        r"x := f(3)
f(n) := f(n - 1)",
        "is recursive",
    );
    refuse(
        r"x if g
g if h
h if g",
        "is recursive",
    );
    refuse("x := data.t", "is recursive");
    refuse(r#"x := data[y] if y := "t""#, "is recursive");
}

/// The parser is exponential in nested literals.
#[test]
fn s2_nested_literals() {
    refuse(&format!("x := {}1{}", "[".repeat(14), "]".repeat(14)), "nested deeper than 10");
    refuse(&format!("x := {}1{}", "{\"a\": ".repeat(14), "}".repeat(14)), "nested deeper than 10");
}

/// regorus refuses lines of more than 1,024 columns unless told otherwise: certificates and key sets are longer.
#[test]
fn s2_long_lines() {
    agree(&format!("x := count(\"{}\")", "a".repeat(20_000)), &[("{}", "20000")]);
}

/// `strings.count(s, "")` panics in regorus, and overlapping matches are counted twice.
#[test]
fn s2_strings_count_of_nothing() {
    opa_or_nothing("{}", r#"x := strings.count("aaa", input.s)"#, &[(r#"{"s":""}"#, "4"), (r#"{"s":"aa"}"#, "1")]);
}

/// `numbers.range_step(a, b, 0)` panics in regorus, `numbers.range(0, 1e13)` aborts.
#[test]
fn s2_numbers_range_step_of_zero() {
    opa_or_nothing(
        "{}",
        "x := numbers.range_step(1, 3, input.n)",
        &[
            (r#"{"n":0}"#, "undefined"),
            (r#"{"n":1}"#, "[1,2,3]"),
            (r#"{"n":2}"#, "[1,3]"),
            (r#"{"n":-1}"#, "undefined"),
        ],
    );
    opa_or_nothing(
        "{}",
        "x := numbers.range(input.a, 3)",
        &[(r#"{"a":1}"#, "[1,2,3]"), (r#"{"a":5}"#, "[5,4,3]"), (r#"{"a":"1"}"#, "undefined")],
    );
}

/// regorus' cap on the size of a compiled pattern ends the evaluation.
#[test]
fn s2_regex_size() {
    opa_or_nothing(
        "{}",
        r"x := regex.match(`^\w{3,8}$`, input.s)",
        &[(r#"{"s":"abc"}"#, "true"), (r#"{"s":""}"#, "false")],
    );
    opa_or_nothing(
        "{}",
        r"x := regex.match(`^\w{1,20}$`, input.s)",
        &[(r#"{"s":"abc"}"#, "true"), (r#"{"s":""}"#, "false")],
    );
    opa_or_nothing(
        "{}",
        r"x := regex.match(`^\S{1,100}$`, input.s)",
        &[(r#"{"s":"abc"}"#, "true"), (r#"{"s":""}"#, "false")],
    );
    opa_or_nothing(
        "{}",
        "x := regex.match(`^.{1,255}$`, input.s)",
        &[(r#"{"s":"abc"}"#, "true"), (r#"{"s":""}"#, "false")],
    );
}

/// Perl classes cover Unicode in Rust and ASCII in RE2; without features they are invalid there.
#[test]
fn s2_regex_classes() {
    opa_or_nothing(
        "{}",
        r"x := regex.match(`^\d+$`, input.s)",
        &[
            (r#"{"s":"٣"}"#, "false"),
            (r#"{"s":"3"}"#, "true"),
            (r#"{"s":"é"}"#, "false"),
            (r#"{"s":"e"}"#, "false"),
            (r#"{"s":"\u00a0"}"#, "false"),
            (r#"{"s":"İ"}"#, "false"),
        ],
    );
    opa_or_nothing(
        "{}",
        r"x := regex.match(`^\w+$`, input.s)",
        &[
            (r#"{"s":"٣"}"#, "false"),
            (r#"{"s":"3"}"#, "true"),
            (r#"{"s":"é"}"#, "false"),
            (r#"{"s":"e"}"#, "true"),
            (r#"{"s":"\u00a0"}"#, "false"),
            (r#"{"s":"İ"}"#, "false"),
        ],
    );
    opa_or_nothing(
        "{}",
        r"x := regex.match(`^\s+$`, input.s)",
        &[
            (r#"{"s":"٣"}"#, "false"),
            (r#"{"s":"3"}"#, "false"),
            (r#"{"s":"é"}"#, "false"),
            (r#"{"s":"e"}"#, "false"),
            (r#"{"s":"\u00a0"}"#, "false"),
            (r#"{"s":"İ"}"#, "false"),
        ],
    );
    opa_or_nothing(
        "{}",
        r"x := regex.match(`\bé`, input.s)",
        &[
            (r#"{"s":"٣"}"#, "false"),
            (r#"{"s":"3"}"#, "false"),
            (r#"{"s":"é"}"#, "false"),
            (r#"{"s":"e"}"#, "false"),
            (r#"{"s":"\u00a0"}"#, "false"),
            (r#"{"s":"İ"}"#, "false"),
        ],
    );
    opa_or_nothing(
        "{}",
        "x := regex.match(`(?i)^É$`, input.s)",
        &[
            (r#"{"s":"٣"}"#, "false"),
            (r#"{"s":"3"}"#, "false"),
            (r#"{"s":"é"}"#, "true"),
            (r#"{"s":"e"}"#, "false"),
            (r#"{"s":"\u00a0"}"#, "false"),
            (r#"{"s":"İ"}"#, "false"),
        ],
    );
    opa_or_nothing(
        "{}",
        r"x := regex.match(`^\p{L}$`, input.s)",
        &[
            (r#"{"s":"٣"}"#, "false"),
            (r#"{"s":"3"}"#, "false"),
            (r#"{"s":"é"}"#, "true"),
            (r#"{"s":"e"}"#, "true"),
            (r#"{"s":"\u00a0"}"#, "false"),
            (r#"{"s":"İ"}"#, "true"),
        ],
    );
}

/// An error of a builtin is undefined, not the end; and `not` sees it after the reference.
#[test]
fn s2_strict_errors_are_not_the_default() {
    opa(
        "{}",
        "x if not to_number(input.s)",
        &[("{}", "undefined"), (r#"{"s":"a"}"#, "true"), (r#"{"s":"1"}"#, "undefined"), (r#"{"s":"0"}"#, "undefined")],
    );
    opa("{}", "x := to_number(input.s)", &[(r#"{"s":"a"}"#, "undefined"), (r#"{"s":"12"}"#, "12")]);
}

/// `strings.replace_n` of regorus replaces in what it has replaced.
#[test]
fn s3_replace_n() {
    opa_or_nothing(
        "{}",
        r#"x := strings.replace_n({"a": "b", "b": "c"}, input.s)"#,
        &[(r#"{"s":"ab"}"#, r#""bc""#), (r#"{"s":"ba"}"#, r#""cb""#), (r#"{"s":""}"#, r#""""#)],
    );
}

/// `json.match_schema` and `json.verify_schema` have other errors.
#[test]
fn s3_json_schema() {
    opa_or_nothing(
        "{}",
        r#"x := json.match_schema(input.d, {"type": "object", "properties": {"a": {"type": "integer"}}})"#,
        &[
            (r#"{"d":{"a":1}}"#, "[true,[]]"),
            (
                r#"{"d":{"a":"s"}}"#,
                r#"[false,[{"desc":"Invalid type. Expected: integer, given: string","error":"a: Invalid type. Expected: integer, given: string","field":"a","type":"invalid_type"}]]"#,
            ),
            (r#"{"d":"{"}"#, "undefined"),
        ],
    );
    opa_or_nothing(
        "{}",
        "x := json.verify_schema(input.s)",
        &[
            (
                r#"{"s":{"type":"unknown_type"}}"#,
                r#"[false,"jsonschema: has a primitive type that is NOT VALID -- given: /unknown_type/ Expected valid values are:[array boolean integer number null object string]"]"#,
            ),
            (r#"{"s":{}}"#, "[true,null]"),
        ],
    );
}

/// Numbers are doubles in regorus.
#[test]
fn s3_numbers() {
    opa_or_nothing(
        "{}",
        "x := json.marshal(input.n)",
        &[
            (r#"{"n":1.0}"#, r#""1.0""#),
            (r#"{"n":1e20}"#, r#""1e+20""#),
            (r#"{"n":12345678901234567890123}"#, r#""12345678901234567890123""#),
            (r#"{"n":0.1}"#, r#""0.1""#),
        ],
    );
    opa_or_nothing(
        "{}",
        "x := input.a + input.b",
        &[
            (r#"{"a":0.1,"b":0.2}"#, "0.3"),
            (r#"{"a":1,"b":2}"#, "3"),
            (r#"{"a":9007199254740993,"b":1}"#, "9007199254740994"),
            (r#"{"a":18446744073709551615,"b":1}"#, "18446744073709551616"),
        ],
    );
    opa_or_nothing(
        "{}",
        "x := input.a % 2",
        &[(r#"{"a":3}"#, "1"), (r#"{"a":3.5}"#, "undefined"), (r#"{"a":-3}"#, "-1")],
    );
    opa_or_nothing("{}", "x := 5 % input.a", &[(r#"{"a":0}"#, "undefined"), (r#"{"a":2}"#, "1")]);
    opa_or_nothing(
        "{}",
        "x := 5 / input.a",
        &[(r#"{"a":0}"#, "undefined"), (r#"{"a":2}"#, "2.5"), (r#"{"a":3}"#, "1.6666666666666667")],
    );
    opa_or_nothing(
        "{}",
        "x := input.a * input.b",
        &[
            (
                r#"{"a":1e308,"b":10}"#,
                "1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
            ),
            (r#"{"a":3,"b":-4}"#, "-12"),
            (
                r#"{"a":1e200,"b":1e200}"#,
                "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
            ),
        ],
    );
}

/// `units.parse` with exponents.
#[test]
fn s3_units() {
    opa_or_nothing(
        "{}",
        "x := units.parse(input.s)",
        &[
            (r#"{"s":"1e3"}"#, "1000"),
            (r#"{"s":"10K"}"#, "10000"),
            (r#"{"s":"1.5e3M"}"#, "1500000000"),
            (r#"{"s":""}"#, "undefined"),
        ],
    );
    opa_or_nothing(
        "{}",
        "x := units.parse_bytes(input.s)",
        &[(r#"{"s":"1e3KB"}"#, "1000000"), (r#"{"s":"10KiB"}"#, "10240")],
    );
}

/// Verbs with width, precision, flags and wrong types.
#[test]
fn s3_sprintf() {
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%5.2f", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""%!f(int64=   01)""#),
            (r#"{"v":1.5}"#, r#"" 1.50""#),
            (r#"{"v":"s"}"#, r#""%!f(string=    s)""#),
            (r#"{"v":null}"#, r#""%!f(string=   nu)""#),
            (r#"{"v":[1]}"#, r#""%!f(string=   [1)""#),
            (r#"{"v":100}"#, r#""%!f(int64=  100)""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%-5s", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""%!s(int64=1    )""#),
            (r#"{"v":1.5}"#, r#""%!s(float64=1.5  )""#),
            (r#"{"v":"s"}"#, r#""s    ""#),
            (r#"{"v":null}"#, r#""null ""#),
            (r#"{"v":[1]}"#, r#""[1]  ""#),
            (r#"{"v":100}"#, r#""%!s(int64=100  )""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%e", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""%!e(int64=1)""#),
            (r#"{"v":1.5}"#, r#""1.500000e+00""#),
            (r#"{"v":"s"}"#, r#""%!e(string=s)""#),
            (r#"{"v":null}"#, r#""%!e(string=null)""#),
            (r#"{"v":[1]}"#, r#""%!e(string=[1])""#),
            (r#"{"v":100}"#, r#""%!e(int64=100)""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%g", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""%!g(int64=1)""#),
            (r#"{"v":1.5}"#, r#""1.5""#),
            (r#"{"v":"s"}"#, r#""%!g(string=s)""#),
            (r#"{"v":null}"#, r#""%!g(string=null)""#),
            (r#"{"v":[1]}"#, r#""%!g(string=[1])""#),
            (r#"{"v":100}"#, r#""%!g(int64=100)""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%d", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""1""#),
            (r#"{"v":1.5}"#, r#""%!d(float64=1.5)""#),
            (r#"{"v":"s"}"#, r#""%!d(string=s)""#),
            (r#"{"v":null}"#, r#""%!d(string=null)""#),
            (r#"{"v":[1]}"#, r#""%!d(string=[1])""#),
            (r#"{"v":100}"#, r#""100""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%5d|", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""    1|""#),
            (r#"{"v":1.5}"#, r#""%!d(float64=  1.5)|""#),
            (r#"{"v":"s"}"#, r#""%!d(string=    s)|""#),
            (r#"{"v":null}"#, r#""%!d(string= null)|""#),
            (r#"{"v":[1]}"#, r#""%!d(string=  [1])|""#),
            (r#"{"v":100}"#, r#""  100|""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%05d", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""00001""#),
            (r#"{"v":1.5}"#, r#""%!d(float64=001.5)""#),
            (r#"{"v":"s"}"#, r#""%!d(string=0000s)""#),
            (r#"{"v":null}"#, r#""%!d(string=0null)""#),
            (r#"{"v":[1]}"#, r#""%!d(string=00[1])""#),
            (r#"{"v":100}"#, r#""00100""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%f", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""%!f(int64=1)""#),
            (r#"{"v":1.5}"#, r#""1.500000""#),
            (r#"{"v":"s"}"#, r#""%!f(string=s)""#),
            (r#"{"v":null}"#, r#""%!f(string=null)""#),
            (r#"{"v":[1]}"#, r#""%!f(string=[1])""#),
            (r#"{"v":100}"#, r#""%!f(int64=100)""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%x", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""1""#),
            (r#"{"v":1.5}"#, r#""0x1.8p+00""#),
            (r#"{"v":"s"}"#, r#""73""#),
            (r#"{"v":null}"#, r#""6e756c6c""#),
            (r#"{"v":[1]}"#, r#""5b315d""#),
            (r#"{"v":100}"#, r#""64""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%v", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""1""#),
            (r#"{"v":1.5}"#, r#""1.5""#),
            (r#"{"v":"s"}"#, r#""s""#),
            (r#"{"v":null}"#, r#""null""#),
            (r#"{"v":[1]}"#, r#""[1]""#),
            (r#"{"v":100}"#, r#""100""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%q", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""'\\x01'""#),
            (r#"{"v":1.5}"#, r#""%!q(float64=1.5)""#),
            (r#"{"v":"s"}"#, r#""\"s\"""#),
            (r#"{"v":null}"#, r#""\"null\"""#),
            (r#"{"v":[1]}"#, r#""\"[1]\"""#),
            (r#"{"v":100}"#, r#""'d'""#),
        ],
    );
    opa_or_nothing(
        "{}",
        r#"x := sprintf("%t", [input.v])"#,
        &[
            (r#"{"v":1}"#, r#""%!t(int64=1)""#),
            (r#"{"v":1.5}"#, r#""%!t(float64=1.5)""#),
            (r#"{"v":"s"}"#, r#""%!t(string=s)""#),
            (r#"{"v":null}"#, r#""%!t(string=null)""#),
            (r#"{"v":[1]}"#, r#""%!t(string=[1])""#),
            (r#"{"v":100}"#, r#""%!t(int64=100)""#),
        ],
    );
}

/// An extension cannot be called with one argument more in regorus: the whole engine fails.
#[test]
fn s3_calls_that_write_their_result() {
    opa(
        "{}",
        "x := n if count(input.l, n)",
        &[("{}", "undefined"), (r#"{"l":[1,2]}"#, "2"), (r#"{"l":5}"#, "undefined")],
    );
    opa("{}", "x if count(input.l, 2)", &[("{}", "undefined"), (r#"{"l":[1,2]}"#, "true")]);
    opa(
        "{}",
        r#"x := b if { split(input.s, "/", [_, b]) }"#,
        &[(r#"{"s":"a/b"}"#, r#""b""#), (r#"{"s":"a/b/c"}"#, "undefined"), (r#"{"s":1}"#, "undefined")],
    );
    opa_or_nothing(
        "{}",
        "x := p.sub if { io.jwt.decode(input.t, [_, p, _]) }",
        &[(r#"{"t":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."}"#, r#""a""#), (r#"{"t":"a.b.c"}"#, "undefined")],
    );
    opa(
        "{}",
        r"x := y if f(input.a, y)
f(a) := [a]",
        &[("{}", "undefined"), (r#"{"a":1}"#, "[1]")],
    );
}

/// The clock is read once a request; what is not available is refused.
#[test]
fn s3_one_value_a_request() {
    opa_or_nothing("{}", "x := time.now_ns() == time.now_ns()", &[("{}", "true")]);
    refuse("x := http.send({})", "http.send");
}

/// `print` is left out, `trace` is true.
#[test]
fn s3_print_and_trace() {
    opa("{}", r#"x if { print("a", input.s); input.s == 1 }"#, &[("{}", "undefined"), (r#"{"s":1}"#, "true")]);
    opa_or_nothing("{}", r#"x := trace("a")"#, &[("{}", "true")]);
}

/// regorus finds out only when the call is reached.
#[test]
fn s4_unknown_functions() {
    refuse("x if { 1 == 2; foo.bar(1) }", "foo.bar");
    refuse(
        r"x := 1
y := nothing(1)",
        "nothing",
    );
}

/// `not startswith(input.h, "x")`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_01() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not startswith(input.h, "x")
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
}

/// `not input.role in {"bad"}`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_02() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not input.role in {"bad"}
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
}

/// `not "bad" in input.roles`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_03() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not "bad" in input.roles
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
}

/// `not count(input.r) > 3`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_04() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not count(input.r) > 3
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "undefined"),
        ],
    );
}

/// `not h[input.k]`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_05() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not h[input.k]
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
}

/// `not input.a < 5`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_06() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not input.a < 5
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
}

/// `not lower(input.s) == "x"`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_07() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not lower(input.s) == "x"
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "undefined"),
        ],
    );
}

/// `not f(input.x)`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_08() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not f(input.x)
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "undefined"),
        ],
    );
}

/// `not object.get(input.s, "k", 0) == 1`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_09() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not object.get(input.s, "k", 0) == 1
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (
                r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#,
                "undefined",
            ),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "undefined"),
        ],
    );
}

/// `not data.perms[input.u].ok`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_10() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not data.perms[input.u].ok
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
}

/// `not [input.z] == [1]`: what is undefined inside makes the statement fail in OPA and hold in regorus.
#[test]
fn s6_1_negation_11() {
    opa(
        r#"{"perms":{"al":{"ok":true},"bo":{"ok":false}}}"#,
        r#"x if not [input.z] == [1]
f(a) := a
h := {"a": true}"#,
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
}

/// The forms that regorus answers as OPA does.
#[test]
fn s6_1_same_in_both() {
    opa(
        "{}",
        "x if not input.a.b",
        &[
            ("{}", "true"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "true",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
    opa(
        "{}",
        "x if not input.a == 1",
        &[
            ("{}", "true"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "true",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
    opa(
        "{}",
        "x if { y := input.z; not y == 1 }",
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
    opa(
        "{}",
        "x if input.a != 1",
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "true",
            ),
            (r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#, "true"),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "true"),
        ],
    );
    opa(
        "{}",
        "x if { y := input.z; not y != 1 }",
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "true",
            ),
            (
                r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#,
                "undefined",
            ),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "undefined"),
        ],
    );
    opa(
        "{}",
        "x if not input.a != 1",
        &[
            ("{}", "undefined"),
            (
                r#"{"h":"xa","role":"bad","roles":["bad"],"r":[1,2,3,4],"k":"a","a":4,"s":"X","x":1,"u":"al","z":1}"#,
                "undefined",
            ),
            (
                r#"{"h":"a","role":"ok","roles":["ok"],"r":[1],"k":"b","a":6,"s":"Y","x":false,"u":"bo","z":2}"#,
                "undefined",
            ),
            (r#"{"h":5,"role":[],"roles":5,"r":5,"k":5,"a":"s","s":{"k":1},"x":null,"u":5,"z":null}"#, "undefined"),
        ],
    );
}

/// The line that let a request without a role pass.
#[test]
fn s6_1_allow_without_a_role() {
    opa(
        "{}",
        r#"default x := false
x if not input.role in {"bad"}"#,
        &[("{}", "false"), (r#"{"role":"bad"}"#, "false"), (r#"{"role":"ok"}"#, "true")],
    );
}

/// The same inside comprehensions, `every`, functions and `else`.
#[test]
fn s6_1_nested_and_inside_bodies() {
    opa(
        "{}",
        r#"x := [e | some e in input.l; not e.r in {"bad"}]"#,
        &[(r#"{"l":[{"r":"bad"},{"r":"ok"},{}]}"#, r#"[{"r":"ok"}]"#)],
    );
    opa(
        "{}",
        r#"x if every e in input.l { not e.r in {"bad"} }"#,
        &[
            (r#"{"l":[{"r":"ok"}]}"#, "true"),
            (r#"{"l":[{}]}"#, "undefined"),
            (r#"{"l":[]}"#, "true"),
            ("{}", "undefined"),
            (r#"{"l":"s"}"#, "undefined"),
            (r#"{"l":[{"r":"bad"}]}"#, "undefined"),
        ],
    );
    opa(
        "{}",
        r#"x := f(input.a)
f(a) := 1 if not a.r in {"bad"} else := 2"#,
        &[("{}", "undefined"), (r#"{"a":{}}"#, "2"), (r#"{"a":{"r":"bad"}}"#, "2"), (r#"{"a":{"r":1}}"#, "1")],
    );
    opa(
        "{}",
        "x if not count([y | some y in input.l; y > 1]) > 0",
        &[("{}", "true"), (r#"{"l":[1]}"#, "true"), (r#"{"l":[2]}"#, "undefined")],
    );
    opa(
        "{}",
        r"x if not f(g(input.a))
f(a) if a == 1
g(a) := a if a != 2",
        &[("{}", "undefined"), (r#"{"a":1}"#, "undefined"), (r#"{"a":2}"#, "undefined"), (r#"{"a":3}"#, "true")],
    );
    opa(
        "{}",
        "x if not input.l[input.i].ok",
        &[
            ("{}", "undefined"),
            (r#"{"l":[{"ok":true}],"i":0}"#, "undefined"),
            (r#"{"l":[{"ok":false}],"i":0}"#, "true"),
            (r#"{"l":[],"i":0}"#, "true"),
            (r#"{"l":[]}"#, "undefined"),
        ],
    );
    opa(
        "{}",
        r#"x if not {"a": input.a} == {"a": 1}"#,
        &[("{}", "undefined"), (r#"{"a":1}"#, "undefined"), (r#"{"a":2}"#, "true")],
    );
    opa(
        "{}",
        "x if not input.a + input.b == 3",
        &[
            ("{}", "undefined"),
            (r#"{"a":1,"b":2}"#, "undefined"),
            (r#"{"a":1}"#, "undefined"),
            (r#"{"a":1,"b":1}"#, "true"),
        ],
    );
    opa(
        "{}",
        r"x if not data.t.y
y if input.a",
        &[("{}", "true"), (r#"{"a":1}"#, "undefined")],
    );
    opa(
        "{}",
        r#"x if not y.z
y := {"z": input.a}"#,
        &[("{}", "true"), (r#"{"a":1}"#, "undefined"), (r#"{"a":false}"#, "true")],
    );
}

/// `some x in <string, null or number>` is an error in regorus and nothing in OPA.
#[test]
fn s6_2_some_in_a_scalar() {
    opa(
        "{}",
        "x := [e | some e in input.l]",
        &[
            (r#"{"l":"str"}"#, "[]"),
            (r#"{"l":null}"#, "[]"),
            (r#"{"l":5}"#, "[]"),
            (r#"{"l":["a"]}"#, r#"["a"]"#),
            ("{}", "[]"),
            (r#"{"l":{"k":1}}"#, "[1]"),
        ],
    );
    opa(
        "{}",
        r#"x if not y
y if { some r in input.roles; r == "a" }"#,
        &[(r#"{"roles":"a"}"#, "true"), (r#"{"roles":["a"]}"#, "undefined"), ("{}", "true")],
    );
}

/// Data at a rule's path wins over the rule in regorus.
#[test]
fn s6_2_data_at_the_path_of_a_rule() {
    refuse_with(r#"{"t":{"x":true}}"#, "x := false", "policy.data has a value at the rule data.t.x");
}

/// `{k: v | some k, v in o}` does not load in regorus if the package has a rule `k`.
#[test]
fn s6_2_a_rule_named_like_a_variable() {
    opa(
        "{}",
        r"x := {k: v | some k, v in input.o}
k := 1
v := 2",
        &[(r#"{"o":{"a":1}}"#, r#"{"a":1}"#), ("{}", "{}")],
    );
    opa(
        "{}",
        r"x := y if { y := 2 }
y := 1",
        &[("{}", "2")],
    );
    opa(
        "{}",
        r"f(y) := y
y := 2
x := f(1)",
        &[("{}", "1")],
    );
    opa("{}", "x := [y, z] if { y := 1; z := [y | some y in [2]] }", &[("{}", "[1,[2]]")]);
}

/// Two values are an error, never undefined.
#[test]
fn s6_2_conflicts_end_the_evaluation() {
    conflict("x := 1\nx := 2 if input.a", r#"{"a":1}"#);
    conflict("x if not y\ny := 1\ny := 2 if input.a", r#"{"a":1}"#);
    conflict("x := f(1)\nf(a) := a\nf(a) := 2 if input.a", r#"{"a":1}"#);
    conflict("x[k] := v if some k, v in input.a\nx[k] := 2 if some k in [\"a\"]", r#"{"a":{"a":1}}"#);
    conflict("x := {k: v | some v in input.l; k := 1}", r#"{"l":[1,2]}"#);
}

/// Hard errors in regorus.
#[test]
fn s6_2_float_modulo_and_overflow() {
    opa_or_nothing(
        "{}",
        "x if not input.a % 2 == 1",
        &[(r#"{"a":3.5}"#, "undefined"), (r#"{"a":3}"#, "undefined"), ("{}", "undefined"), (r#"{"a":4}"#, "true")],
    );
    opa_or_nothing("{}", "x if not input.a * input.a > 1", &[(r#"{"a":1e300}"#, "undefined"), (r#"{"a":1}"#, "true")]);
}

/// Odd forms.
#[test]
fn s6_2_yaml_and_uuid() {
    opa_or_nothing(
        "{}",
        "x := yaml.is_valid(input.s)",
        &[
            (r#"{"s":"a: 1"}"#, "true"),
            (r#"{"s":"a: [1"}"#, "false"),
            (r#"{"s":5}"#, "false"),
            (r#"{"s":"a: 1\n---\nb: ["}"#, "false"),
        ],
    );
    opa_or_nothing(
        "{}",
        "x := uuid.parse(input.s)",
        &[
            (r#"{"s":"{00000000-0000-4000-8000-000000000000}"}"#, r#"{"variant":"RFC4122","version":4}"#),
            (r#"{"s":"(00000000-0000-4000-8000-000000000000)"}"#, r#"{"variant":"RFC4122","version":4}"#),
            (r#"{"s":"00000000000040008000000000000000"}"#, r#"{"variant":"RFC4122","version":4}"#),
            (r#"{"s":"x"}"#, "undefined"),
        ],
    );
}

/// Paths are values of their own.
#[test]
fn s6_2_walk() {
    opa(
        "{}",
        "x := {p: v | walk(input.d, [p, v])}",
        &[
            (
                r#"{"d":{"a":[1,{"b":2}]}}"#,
                r#"{"[]":{"a":[1,{"b":2}]},"[\"a\"]":[1,{"b":2}],"[\"a\",0]":1,"[\"a\",1]":{"b":2},"[\"a\",1,\"b\"]":2}"#,
            ),
            (r#"{"d":5}"#, r#"{"[]":5}"#),
            ("{}", "{}"),
        ],
    );
    opa("{}", r#"x := [v | walk(input.d, [["a", i], v])]"#, &[(r#"{"d":{"a":[1,{"b":2}]}}"#, r#"[1,{"b":2}]"#)]);
    opa("{}", "x := count([p | [p, _] := walk(input.d)])", &[(r#"{"d":[[],{}]}"#, "3")]);
}

/// `globmatch/empty pattern alternative`
#[test]
fn s10_glob_with_an_empty_alternative() {
    opa_or_nothing(
        "{}",
        r#"x := glob.match("a{,b}", [], input.s)"#,
        &[(r#"{"s":"a"}"#, "true"), (r#"{"s":"ab"}"#, "true"), (r#"{"s":"b"}"#, "false")],
    );
}

/// `jsonbuiltins/yaml is_valid unreachable content`
#[test]
fn s10_yaml_unreachable_content() {
    opa_or_nothing("{}", "x := yaml.is_valid(input.s)", &[(r#"{"s":"foo: bar\n...\n- x: ["}"#, "false")]);
}

/// `jsonbuiltins/unmarshal number with large exponent within limits`
#[test]
fn s10_unmarshal_large_exponents() {
    opa_or_nothing(
        "{}",
        "x := json.unmarshal(input.s) > 1",
        &[(r#"{"s":"1e300"}"#, "true"), (r#"{"s":"1e1000"}"#, "true"), (r#"{"s":"1e-400"}"#, "false")],
    );
}

/// `negation/not-body`: the new keyword is refused.
#[test]
fn s10_not_with_a_body() {
    refuse(
        r"import future.keywords.not
x := 1",
        "import",
    );
}

/// `numbersrangestep/big int step`
#[test]
fn s10_range_step_with_big_integers() {
    opa_or_nothing("{}", "x := numbers.range_step(0, 1, 100000000000000000000)", &[("{}", "[0]")]);
}

/// `replacen/semantics/*`
#[test]
fn s10_replace_n() {
    opa_or_nothing("{}", r#"x := strings.replace_n({"a": "X", "ab": "Y"}, "bab")"#, &[("{}", r#""bXb""#)]);
    opa_or_nothing("{}", r#"x := strings.replace_n({"a": "b", "b": "a"}, "abba")"#, &[("{}", r#""baab""#)]);
    opa_or_nothing("{}", r#"x := strings.replace_n({"aa": "X", "a": "Y"}, "aaaa")"#, &[("{}", r#""YYYY""#)]);
    opa_or_nothing("{}", r#"x := strings.replace_n({"a": "aa"}, "aaa")"#, &[("{}", r#""aaaaaa""#)]);
}

/// `sprintf/float/exponent`
#[test]
fn s10_sprintf_exponent() {
    opa_or_nothing("{}", r#"x := sprintf("%f", [1e2])"#, &[("{}", r#""100.000000""#)]);
}

/// `aggregates/member check set with with both key and value`
#[test]
fn s10_member_of_a_set_with_a_key() {
    opa("{}", r#"x if "foo", "foo" in {"foo", "bar"}"#, &[("{}", "true")]);
    opa("{}", r#"x if "foo", "bar" in {"foo", "bar"}"#, &[("{}", "undefined")]);
    opa(
        "{}",
        r#"x if 0, input.a in ["a"]"#,
        &[(r#"{"a":"a"}"#, "true"), (r#"{"a":"b"}"#, "undefined"), ("{}", "undefined")],
    );
}

/// `refheads/general, set leaf, deep query` and others.
#[test]
fn s10_ref_heads() {
    opa(
        "{}",
        r#"p[a].q[b] contains c if { some a in ["x"]; some b in ["y"]; some c in [1, input.n] }
x := p.x.q.y"#,
        &[("{}", "undefined"), (r#"{"n":2}"#, "[1,2]")],
    );
    opa(
        "{}",
        r"x := p
p[a][b] := 1 if { some a in input.l; some b in input.l }
p.z.w := 2",
        &[(r#"{"l":["c","d"]}"#, r#"{"c":{"c":1,"d":1},"d":{"c":1,"d":1},"z":{"w":2}}"#), ("{}", r#"{"z":{"w":2}}"#)],
    );
    opa(
        "{}",
        r#"x := p["a"].b
p.a.b := 1 if input.n
p.a.c := 2"#,
        &[("{}", "undefined"), (r#"{"n":1}"#, "1")],
    );
    opa(
        "{}",
        r"x := p
p.a.b := 1 if input.n",
        &[("{}", r#"{"a":{}}"#), (r#"{"n":1}"#, r#"{"a":{"b":1}}"#)],
    );
    opa(
        "{}",
        r"x := p
p[u] contains r if { some u, l in input.m; some r in l }",
        &[(r#"{"m":{"a":["r","s"],"b":[]}}"#, r#"{"a":["r","s"]}"#)],
    );
}

/// `walkbuiltin/array path not overwritten`
#[test]
fn s10_walk_paths() {
    opa(
        "{}",
        r#"x := {concat("/", p): v | walk(input.d, [p, v]); is_string(v)}"#,
        &[(r#"{"d":{"a":{"b":"c"},"d":{"e":{"f":"g"}}}}"#, r#"{"a/b":"c","d/e/f":"g"}"#)],
    );
}

/// `defaultkeyword/*`: comprehensions and functions with defaults (the bytecode VM's errors).
#[test]
fn s10_default_values() {
    opa(
        "{}",
        r"default x := [y | some y in input.l]
x := 1 if input.a",
        &[(r#"{"l":[1]}"#, "[1]"), (r#"{"a":1}"#, "1")],
    );
    opa(
        "{}",
        r"default f(_) := 7
f(a) := 1 if a == 1
x := f(input.a)",
        &[(r#"{"a":2}"#, "7"), (r#"{"a":1}"#, "1"), ("{}", "undefined")],
    );
    opa(
        "{}",
        r"default f(_) := 7
x := f(input.a)",
        &[(r#"{"a":2}"#, "7"), ("{}", "undefined")],
    );
}

/// `baseandvirtualdocs/*`: undefined rules are no members.
#[test]
fn s10_whole_packages() {
    opa(
        "{}",
        r"package t.x
allowed := true
f(a) := a
none if input.a",
        &[("{}", r#"{"allowed":true}"#), (r#"{"a":1}"#, r#"{"allowed":true,"none":true}"#)],
    );
    opa(
        r#"{"t":{"x":{"z":1}}}"#,
        r"package t.x.y
a if input.a",
        &[("{}", r#"{"y":{},"z":1}"#), (r#"{"a":1}"#, r#"{"y":{"a":true},"z":1}"#)],
    );
}
