import StacksTesting

/// Makes documents as a server could send them: every field present, null, missing or unknown, in any order, with
/// escapes, numbers in every notation and white space in between. The same seed makes the same documents.
package struct DocumentGenerator: RandomNumberGenerator {
    private var generator: SeededGenerator

    package init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    package mutating func next() -> UInt64 { generator.next() }

    mutating func chance(_ one: Int) -> Bool { next() % UInt64(one) == 0 }
    mutating func pick<Value>(_ values: [Value]) -> Value { values[Int(next() % UInt64(values.count))] }

    /// A document of this kind that is good.
    package mutating func document(_ kind: DocumentKind) -> [UInt8] {
        let fields: [String]
        switch kind {
        case .stack:
            fields = [
                field("id", uuid()), field("organization_uuid", uuid()),
                optionalField("cluster_queue_key", string("_default")), field("key", string(text())),
                field("type", string("custom")), optionalField("metadata", dictionary()),
                optionalField("last_connected_on", date()), field("state", string(pick(["connected", "lost"]))),
            ]
        case .scheduledJobs:
            fields = [
                field("jobs", list(0...3) { $0.scheduledJob() }),
                optionalField(
                    "page_info",
                    object([optionalField("has_next_page", bool()), optionalField("end_cursor", string(text()))])),
                optionalField(
                    "cluster_queue",
                    object([
                        optionalField("id", uuid()), optionalField("dispatch_paused", bool()),
                        optionalField("paused", bool()),
                    ])),
            ]
        case .reservation:
            fields = [field("reserved", uuids()), optionalField("not_reserved", uuids())]
        case .job:
            fields = [
                field("id", uuid()), optionalField("env", dictionary()), optionalField("command", string(text())),
            ]
        case .jobStates:
            fields = [
                field(
                    "states",
                    object((0..<Int(next() % 5)).map { _ in "\(uuid()):\(optional(string(pick(Self.states))))" }))
            ]
        case .acquisitionTokens:
            let tokens = list(0...3) { generator in
                generator.object([
                    generator.field("job_uuid", generator.uuid()),
                    generator.field("job_acquisition_token", generator.string("bkjat_none")),
                    generator.optionalField("expires_at", generator.date()),
                ])
            }
            fields = [field("job_acquisition_tokens", tokens), optionalField("not_issued", uuids())]
        case .notificationResult:
            let failures = list(0...3) { generator in
                generator.object([
                    generator.optionalField("error", generator.string(generator.text())),
                    generator.optionalField("indexes", generator.list(0...4) { $0.integer() }),
                ])
            }
            fields = [optionalField("errors", failures)]
        case .tokenIdentity:
            fields = Self.identityFields.map { optionalField($0, string(text())) }
        case .refusal:
            fields = [
                optionalField("message", string(text())), optionalField("scope", string("show-job")),
                optionalField("limit", integer()), optionalField("current", integer()),
                optionalField("reset", integer()),
            ]
        }
        return Array((space() + object(fields) + space()).utf8)
    }

    private static let states = ["scheduled", "reserved", "running", "finished", "a state of tomorrow"]
    private static let identityFields = [
        "uuid", "description", "token_type", "organization_slug", "organization_uuid", "cluster_uuid", "cluster_name",
        "organization_queue_uuid", "organization_queue_key",
    ]
}

// MARK: - Values

extension DocumentGenerator {
    private mutating func scheduledJob() -> String {
        object([
            field("id", uuid()), optionalField("priority", integer()),
            optionalField("agent_query_rules", list(0...3) { generator in generator.string(generator.text()) }),
            optionalField("scheduled_at", date()), optionalField("runnable_at", date()),
            optionalField(
                "pipeline", object([optionalField("slug", string(text())), optionalField("uuid", uuid())])),
            optionalField(
                "build",
                object([
                    optionalField("uuid", uuid()), optionalField("number", integer()),
                    optionalField("branch", string(text())),
                ])),
            optionalField("step", object([optionalField("key", string(text()))])),
        ])
    }

    private mutating func object(_ fields: [String]) -> String {
        var fields = fields.filter { !$0.isEmpty }
        if chance(3) { fields.append(field("unknown", value(depth: 3))) }
        if chance(2) { fields.shuffle(using: &self) }
        return "{" + space() + fields.joined(separator: space() + ",") + space() + "}"
    }

    private mutating func field(_ name: String, _ value: String) -> String {
        "\(chance(30) ? string(name) : "\"\(name)\"")\(space()):\(space())\(value)"
    }

    /// The field with its value or null, or nothing.
    private mutating func optionalField(_ name: String, _ value: String) -> String {
        chance(6) ? "" : field(name, optional(value))
    }

    private mutating func optional(_ value: String) -> String { chance(5) ? "null" : value }

    private mutating func list(_ counts: ClosedRange<Int>, _ item: (inout Self) -> String) -> String {
        let count = Int.random(in: counts, using: &self)
        return "[\((0..<count).map { _ in item(&self) }.joined(separator: space() + "," + space()))]"
    }

    private mutating func uuids() -> String { list(0...4) { $0.uuid() } }
    private mutating func bool() -> String { pick(["true", "false"]) }

    private mutating func dictionary() -> String {
        let count = Int(next() % 4)
        // Different names: twice the same one is among the intended differences, and mutations make it often enough.
        return object((0..<count).map { index in "\(string("NAME_\(index)" + text())):\(optional(string(text())))" })
    }

    private mutating func uuid() -> String {
        if chance(8) { return string(text()) }
        let digits = chance(6) ? Array("0123456789ABCDEF") : Array("0123456789abcdef")
        return "\""
            + [8, 4, 4, 4, 12].map { count in String((0..<count).map { _ in pick(digits) }) }
            .joined(separator: "-") + "\""
    }

    private mutating func date() -> String {
        func two(_ range: ClosedRange<Int>) -> String {
            let value = Int.random(in: range, using: &self)
            return value < 10 ? "0\(value)" : "\(value)"
        }
        let fraction = pick(["", "", ".5", ".123", ".999999", ".123456789123"])
        let zone = pick(["Z", "Z", "+01:00", "-0530", "+11"])
        return string(
            "\(pick(["2026", "1969", "2000", "1900", "9999"]))-\(two(1...12))-\(two(1...28))T\(two(0...23)):"
                + "\(two(0...59)):\(two(0...60))\(fraction)\(zone)", escapes: 200)
    }

    private mutating func integer() -> String {
        pick(["0", "-5", "100", "1.0", "2e2", "-0", "25e-0", "123456789012345", "\(next() % 100_000)"])
    }

    private mutating func text() -> String {
        let pieces = [
            "a", "main", "queue=default", "é", "€", "😀", "\"", "\\", "\n", "\u{1}", "/", "feature/long-branch-name",
            " ", "\u{7F}", "\u{FFFF}",
        ]
        return (0..<Int(next() % 5)).map { _ in pick(pieces) }.joined()
    }

    /// The text in quotes; of its characters, one in `escapes` is escaped without need.
    private mutating func string(_ text: String, escapes: Int = 16) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar.value >= 0x20, scalar != "\"", scalar != "\\", !chance(escapes) {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16, uppercase: chance(2))
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result + "\""
    }

    private mutating func value(depth: Int) -> String {
        switch next() % (depth == 0 ? 5 : 7) {
        case 0: "null"
        case 1: pick(["-1.5e-3", "0.25", "123456789012345678901234567890", "1E+2"])
        case 2: string(text())
        case 3: "true"
        case 4: integer()
        case 5: list(0...3) { $0.value(depth: depth - 1) }
        default: object(["\(string(text())):\(value(depth: depth - 1))"])
        }
    }

    private mutating func space() -> String { chance(12) ? pick([" ", "\n\t", "\r\n  "]) : "" }
}
