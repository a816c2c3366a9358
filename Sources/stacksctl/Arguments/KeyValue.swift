import ArgumentParser
import StacksController

/// `key=value`, split at the first equals sign; the value may be empty.
struct KeyValue: ExpressibleByArgument {
    let key: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else { return nil }
        key = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}

extension [KeyValue] {
    /// The pairs by key.
    ///
    /// - Throws: ``Failure`` when `option` gives a key twice, because only one value can be meant.
    func dictionary(option: String) throws -> [String: String] {
        var result: [String: String] = [:]
        for pair in self where result.updateValue(pair.value, forKey: pair.key) != nil {
            throw Failure.usage("\(option) gives the key '\(printable(pair.key))' more than once.")
        }
        return result
    }

    /// The values of each key.
    func values() -> [String: TagValues] {
        Dictionary(grouping: self, by: \.key).mapValues { pairs in TagValues(pairs.map(\.value)) }
    }
}
