#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Derives the JSON Schema of a document from its type, so that its members stand in one place: the type is decoded from a
/// decoder that has no values, and notes what it is asked for.
///
/// A member that can be null is a ``Nullable`` one; an optional one can be missing.
final class DocumentSchema: Decoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private var schema: [String: ControlValue] = [:]
    private var properties: [String: ControlValue] = [:]
    private var required: [String] = []
    private var takesNull = false

    private init() {}

    /// The schema of a document.
    static func schema<Document: Decodable>(of type: Document.Type) -> ControlValue {
        // What cannot be described may be anything. The tests find no such document.
        (try? described(type).schema) ?? .object([:])
    }

    /// A value of a type, and the schema of the type.
    private static func described<Value: Decodable>(
        _ type: Value.Type
    ) throws -> (value: Value, schema: ControlValue) {
        func known(_ value: Any, _ name: String, format: String? = nil) -> (Value, ControlValue)? {
            guard let value = value as? Value else { return nil }
            var schema = ["type": ControlValue.text(name)]
            if let format { schema["format"] = .text(format) }
            return (value, .object(schema))
        }
        let found: (Value, ControlValue)? =
            switch ObjectIdentifier(type) {
            case ObjectIdentifier(Bool.self): known(false, "boolean")
            case ObjectIdentifier(Int.self): known(0, "integer")
            case ObjectIdentifier(Int64.self): known(Int64(0), "integer")
            case ObjectIdentifier(Double.self): known(0.0, "number")
            case ObjectIdentifier(String.self): known("", "string")
            case ObjectIdentifier(Date.self): known(Date(timeIntervalSince1970: 0), "string", format: "date-time")
            default: nil
            }
        if let found { return found }
        let notes = DocumentSchema()
        let value = try Value(from: notes)
        return (value, notes.whole)
    }

    private var whole: ControlValue {
        var schema = schema
        if !properties.isEmpty {
            schema["properties"] = .object(properties)
            schema["required"] = .texts(required)
        }
        if takesNull, let type = schema["type"] { schema["type"] = .list([type, .text("null")]) }
        return .object(schema)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        schema["type"] = .text("object")
        return KeyedDecodingContainer(Members(notes: self))
    }

    func unkeyedContainer() -> any UnkeyedDecodingContainer {
        schema["type"] = .text("array")
        return Elements(notes: self)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { Single(notes: self) }

    /// Containers in containers, which no document has.
    private static func unknown() -> any Error {
        DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "not a document of the control side"))
    }

    /// The members of an object, or one of a dictionary's.
    private struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let codingPath: [any CodingKey] = []
        var notes: DocumentSchema

        /// Only a dictionary asks for the keys that there are.
        var allKeys: [Key] { Key(stringValue: "").map { [$0] } ?? [] }
        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) -> Bool { false }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            let (value, schema) = try DocumentSchema.described(type)
            if key.stringValue.isEmpty {
                notes.schema["additionalProperties"] = schema
            } else {
                notes.properties[key.stringValue] = schema
                notes.required.append(key.stringValue)
            }
            return value
        }

        func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
            try missing(type, key)
        }

        // The library has its own ones of these, which would ask for values.
        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try missing(type, key) }
        func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try missing(type, key) }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try missing(type, key) }
        func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try missing(type, key) }

        private func missing<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
            notes.properties[key.stringValue] = try DocumentSchema.described(type).schema
            return nil
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> { throw DocumentSchema.unknown() }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            throw DocumentSchema.unknown()
        }
        func superDecoder() throws -> any Decoder { throw DocumentSchema.unknown() }
        func superDecoder(forKey key: Key) throws -> any Decoder { throw DocumentSchema.unknown() }
    }

    /// One element of a list.
    private struct Elements: UnkeyedDecodingContainer {
        let codingPath: [any CodingKey] = []
        var notes: DocumentSchema
        var currentIndex = 0

        var count: Int? { 1 }
        var isAtEnd: Bool { currentIndex > 0 }
        mutating func decodeNil() -> Bool { false }

        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            let (value, schema) = try DocumentSchema.described(type)
            notes.schema["items"] = schema
            currentIndex += 1
            return value
        }

        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) throws -> KeyedDecodingContainer<Nested> { throw DocumentSchema.unknown() }
        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { throw DocumentSchema.unknown() }
        mutating func superDecoder() throws -> any Decoder { throw DocumentSchema.unknown() }
    }

    /// A value, or null.
    private struct Single: SingleValueDecodingContainer {
        let codingPath: [any CodingKey] = []
        var notes: DocumentSchema

        func decodeNil() -> Bool {
            notes.takesNull = true
            return false
        }

        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            let (value, schema) = try DocumentSchema.described(type)
            if case .object(let members) = schema { notes.schema = members }
            return value
        }
    }
}
