import HTTPTypes
import StacksTesting

extension ControlRoute {
    /// The description of the control side in OpenAPI, made of the rows.
    static func description(for simulator: StacksSimulator) -> ControlValue {
        var paths: [String: [String: ControlValue]] = [:]
        for route in all {
            let method = route.method.rawValue.lowercased()
            paths[route.templatedPath, default: [:]][method] = route.operation(in: simulator)
        }
        return .object([
            "openapi": .text("3.1.0"),
            "info": .object([
                "title": .text("The control side of stacks-simulator"), "version": .text("1"),
                "description": .text(
                    "What scripts and tests inspect and control the simulator with. It needs no token. Requests from "
                        + "web pages elsewhere get a 403, and a body that is not application/json gets a 415."),
            ]),
            "paths": .object(paths.mapValues(ControlValue.object)),
            "components": .object(["responses": .object(["error": error])]),
        ])
    }

    private static let error = ControlValue.object([
        "description": .text("The reason"),
        "content": content(
            .json,
            .object([
                "type": .text("object"), "required": .texts(["message"]),
                "properties": .object(["message": .object(["type": .text("string")])]),
            ])),
    ])

    /// `/_simulator/jobs/{job}`
    var templatedPath: String {
        fullPath.split(separator: "/").map { $0.first == ":" ? "/{\($0.dropFirst())}" : "/\($0)" }.joined()
    }

    private func operation(in simulator: StacksSimulator) -> ControlValue {
        let names = path.split(separator: "/").filter { $0.first == ":" }.map { String($0.dropFirst()) }
        var parameters = names.map { name in
            ControlValue.object([
                "name": .text(name), "in": .text("path"), "required": .truth(true),
                "schema": .object(["type": .text("string")]),
            ])
        }
        parameters += query.map { member in
            ControlValue.object([
                "name": .text(member.name), "in": .text("query"), "required": .truth(member.isRequired),
                "description": .text(member.about), "schema": member.schema(in: simulator),
            ])
        }
        let error = ControlValue.object(["$ref": .text("#/components/responses/error")])
        var success: [String: ControlValue] = ["description": .text(about)]
        if status != .noContent { success["content"] = Self.content(content, successSchema) }
        var responses: [String: ControlValue] = [
            String(status.code): .object(success), "400": error, "403": error, "413": error, "415": error,
        ]
        if !names.isEmpty { responses["404"] = error }
        for failure in failures { responses[String(failure.code)] = error }
        let words = [method.rawValue.lowercased()] + path.split { !$0.isLetter }.map(String.init)
        var members: [String: ControlValue] = [
            "operationId": .text(words.joined(separator: "-")), "summary": .text(about),
            "parameters": .list(parameters), "responses": .object(responses),
        ]
        if !body.isEmpty {
            members["requestBody"] = .object([
                "required": .truth(body.contains(where: \.isRequired)),
                "content": Self.content(
                    .json, .object(ControlMember.Kind.object(body).schema(in: simulator))),
            ])
        }
        return .object(members)
    }

    /// The schema of the body of a success.
    private var successSchema: ControlValue {
        guard content == .json else { return .object(["type": .text("string")]) }
        guard !documents.isEmpty else { return .object(["type": .text("object")]) }
        return documents.count == 1 ? documents[0] : .object(["anyOf": .list(documents)])
    }

    private static func content(_ content: Content, _ schema: ControlValue) -> ControlValue {
        .object([content.rawValue: .object(["schema": schema])])
    }
}

extension ControlMember {
    fileprivate func schema(in simulator: StacksSimulator) -> ControlValue {
        var schema = (openedBy == nil ? kind : .text(Self.openLength)).schema(in: simulator)
        if takesNull, let type = schema["type"] { schema["type"] = .list([type, .text("null")]) }
        if !about.isEmpty { schema["description"] = .text(about) }
        return .object(schema)
    }

    /// What its presence or value has to do with that of another member.
    fileprivate func conditions(in simulator: StacksSimulator) -> [ControlValue] {
        func unless(_ other: String, is values: [ControlValue], _ schema: ControlValue) -> ControlValue {
            .object([
                "if": .object([
                    "required": .texts([other]), "properties": .object([other: .object(["enum": .list(values)])]),
                ]),
                "else": .object(["properties": .object([name: schema])]),
            ])
        }
        var conditions: [ControlValue] = []
        if let onlyWith {
            conditions.append(unless(onlyWith.member, is: onlyWith.values.map(ControlValue.text), .truth(false)))
        }
        if let openedBy {
            conditions.append(unless(openedBy, is: [.truth(true)], .object(kind.schema(in: simulator))))
        }
        if let insteadOf {
            let either = [name, insteadOf].map { ControlValue.object(["required": .texts([$0])]) }
            conditions.append(.object(["oneOf": .list(either)]))
        }
        return conditions
    }
}

extension ControlMember.Kind {
    /// The schema in JSON Schema, as OpenAPI 3.1 has it.
    fileprivate func schema(in simulator: StacksSimulator) -> [String: ControlValue] {
        func type(_ name: String, _ more: [String: ControlValue] = [:]) -> [String: ControlValue] {
            more.merging(["type": .text(name)]) { _, type in type }
        }
        switch self {
        case .truth: return type("boolean")
        case .integer(let range):
            return type("integer", ["minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)])
        case .number(let range):
            return type("number", ["minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)])
        case .text(let range):
            return type("string", ["minLength": .integer(range.lowerBound), "maxLength": .integer(range.upperBound)])
        case .date:
            // Foundation knows no offset of 18 hours or more.
            let offset = #"(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9])$"#
            return type("string", ["format": .text("date-time"), "pattern": .text(offset)])
        case .uuid:
            let pattern = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
            return type("string", ["format": .text("uuid"), "pattern": .text(pattern)])
        case .choice(let names): return type("string", ["enum": .texts(names)])
        case .known: return type("string", ["enum": .texts(names(in: simulator))])
        case .list(let kind, let range):
            return type(
                "array",
                [
                    "minItems": .integer(range.lowerBound), "maxItems": .integer(range.upperBound),
                    "items": .object(kind.schema(in: simulator)),
                ])
        case .texts: return type("object", ["additionalProperties": .object(type("string"))])
        case .headers:
            let (name, value) = (
                "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
                #"^([^\x00-\x20\x7f]([^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?$"#
            )
            return type(
                "object",
                [
                    "propertyNames": .object(["pattern": .text(name)]),
                    "additionalProperties": .object(type("string", ["pattern": .text(value)])),
                ])
        case .object(let members):
            var properties: [String: ControlValue] = [:]
            for member in members { properties[member.name] = member.schema(in: simulator) }
            var schema: [String: ControlValue] = [
                "properties": .object(properties), "additionalProperties": .truth(false),
                "required": .texts(members.filter(\.isRequired).map(\.name)),
            ]
            let conditions = members.flatMap { $0.conditions(in: simulator) }
            if !conditions.isEmpty { schema["allOf"] = .list(conditions) }
            return type("object", schema)
        }
    }
}
