import StacksController

/// A key of the configuration file: its name, and how its value changes a `Root`.
struct SettingKey<Root> {
    let name: String
    /// The library's property that it sets, whose name the library's messages have.
    let property: String?
    /// Whether an environment variable can hold its value.
    let isScalar: Bool
    /// Takes the value over, or says what it must be.
    private let read: (SettingNode, inout Root) throws(SettingProblem) -> Void

    /// The environment variable for it: `STACKSCTL_POLL_INTERVAL` for `poll-interval`.
    var variable: String { Self.variablePrefix + name.uppercased().replacing("-", with: "_") }

    static var variablePrefix: String { "STACKSCTL_" }

    /// - Throws: ``SettingProblem``, at the value's place.
    func apply(_ node: SettingNode, to root: inout Root) throws(SettingProblem) { try read(node, &root) }

    /// - Parameters:
    ///   - expected: What the value must be, to follow "it must be".
    ///   - set: Takes the value over; false if it is not as expected.
    init(
        _ name: String, property: String? = nil, isScalar: Bool = true, expected: String,
        set: @escaping (SettingNode, inout Root) -> Bool
    ) {
        self.name = name
        self.property = property
        self.isScalar = isScalar
        read = { (node, root) throws(SettingProblem) in
            guard set(node, &root) else {
                throw SettingProblem(place: node.place, message: "\(name) is \(node.shown): it must be \(expected)")
            }
        }
    }
}

// MARK: The kinds of values

extension SettingKey {
    static func text(
        _ name: String, property: String? = nil, expected: String = "a text that is not empty",
        _ set: @escaping (String, inout Root) -> Bool
    ) -> SettingKey {
        SettingKey(name, property: property, expected: expected) { node, root in
            guard case .text(let text) = node.content, !text.isEmpty else { return false }
            return set(text, &root)
        }
    }

    static func text(_ name: String, property: String? = nil, _ path: WritableKeyPath<Root, String?>) -> SettingKey {
        text(name, property: property) { text, root in
            root[keyPath: path] = text
            return true
        }
    }

    static func integer(
        _ name: String, property: String? = nil, _ range: ClosedRange<Int>, except excluded: Int? = nil,
        _ set: @escaping (Int, inout Root) -> Void
    ) -> SettingKey {
        let exception = excluded.map { ", and not \($0)" } ?? ""
        let expected = "a whole number \(range.inWords)\(exception)"
        return text(name, property: property, expected: expected) { text, root in
            guard let number = Int(text), range.contains(number), number != excluded else { return false }
            set(number, &root)
            return true
        }
    }

    /// A time in seconds, with or without a fraction.
    static func seconds(
        _ name: String, property: String? = nil, upTo most: Int = Seconds.most, orZero: Bool = false,
        _ set: @escaping (Duration, inout Root) -> Void
    ) -> SettingKey {
        let expected = "a number of seconds \(orZero ? "from 0" : "above 0") to \(most)"
        return text(name, property: property, expected: expected) { text, root in
            if orZero, Double(text) == 0 {
                set(.zero, &root)
                return true
            }
            guard let seconds = Seconds(text), seconds.duration <= .seconds(most) else { return false }
            set(seconds.duration, &root)
            return true
        }
    }

    static func boolean(
        _ name: String, property: String? = nil, _ set: @escaping (Bool, inout Root) -> Void
    ) -> SettingKey {
        text(name, property: property, expected: "true or false") { text, root in
            guard let value = Bool(text) else { return false }
            set(value, &root)
            return true
        }
    }

    static func choice<Value: CaseIterable & RawRepresentable<String>>(
        _ name: String, property: String? = nil, _ type: Value.Type, _ set: @escaping (Value, inout Root) -> Void
    ) -> SettingKey {
        let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return text(name, property: property, expected: "one of \(names)") { text, root in
            guard let value = Value(rawValue: text) else { return false }
            set(value, &root)
            return true
        }
    }

    /// A list of texts.
    static func list(
        _ name: String, property: String? = nil, expected: String, _ set: @escaping ([String], inout Root) -> Bool
    ) -> SettingKey {
        SettingKey(name, property: property, isScalar: false, expected: expected) { node, root in
            guard case .list(let nodes) = node.content else { return false }
            let texts = nodes.compactMap(\.text)
            return texts.count == nodes.count && set(texts, &root)
        }
    }

    /// A mapping of texts to values, each of which `value` takes over.
    static func mapping<Value>(
        _ name: String, property: String? = nil, expected: String, value: @escaping (SettingNode) -> Value?,
        _ set: @escaping ([String: Value], inout Root) -> Void
    ) -> SettingKey {
        SettingKey(name, property: property, isScalar: false, expected: expected) { node, root in
            guard case .map(let pairs) = node.content else { return false }
            var values: [String: Value] = [:]
            for pair in pairs {
                guard let key = pair.key.text, !key.isEmpty, let value = value(pair.value) else { return false }
                values[key] = value
            }
            set(values, &root)
            return true
        }
    }
}

extension SettingNode {
    /// The text, if it is one.
    var text: String? { if case .text(let text) = content { text } else { nil } }
}
