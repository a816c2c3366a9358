import HTTPTypes

extension ControlRoute {
    /// The description of the control side in OpenAPI, made of the rows.
    static var description: ControlValue {
        var paths: [String: [String: ControlValue]] = [:]
        for route in all {
            paths[route.templatedPath, default: [:]][route.method.rawValue.lowercased()] = route.operation
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
        ])
    }

    /// `/_simulator/jobs/{job}`
    var templatedPath: String {
        let segments = path.split(separator: "/").map { $0.first == ":" ? "{\($0.dropFirst())}" : String($0) }
        return ([ControlEndpoints.root] + segments).joined(separator: "/")
    }

    private var operation: ControlValue {
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
                "description": .text(member.about), "schema": member.schema,
            ])
        }
        let error = ControlValue.object([
            "description": .text("The reason"),
            "content": Self.content(
                .object([
                    "type": .text("object"), "required": .texts(["message"]),
                    "properties": .object(["message": .object(["type": .text("string")])]),
                ])),
        ])
        var responses: [String: ControlValue] = [
            String(status.code): .object(["description": .text(about)]), "400": error, "403": error, "415": error,
        ]
        if !names.isEmpty { responses["404"] = error }
        if path == "clock/advance" { responses["409"] = error }
        var members: [String: ControlValue] = [
            "summary": .text(about), "parameters": .list(parameters), "responses": .object(responses),
        ]
        if !body.isEmpty {
            members["requestBody"] = .object([
                "required": .truth(body.contains(where: \.isRequired)),
                "content": Self.content(ControlMember.Kind.object(body).schema(takesNull: false)),
            ])
        }
        return .object(members)
    }

    private static func content(_ schema: ControlValue) -> ControlValue {
        .object(["application/json": .object(["schema": schema])])
    }
}

extension ControlMember {
    fileprivate var schema: ControlValue { kind.schema(takesNull: takesNull) }
}

extension ControlMember.Kind {
    fileprivate func schema(takesNull: Bool) -> ControlValue {
        func type(_ name: String, _ more: [String: ControlValue] = [:]) -> ControlValue {
            let type: ControlValue = takesNull ? .texts([name, "null"]) : .text(name)
            return .object(more.merging(["type": type]) { _, type in type })
        }
        switch self {
        case .truth: return type("boolean")
        case .integer(let range):
            guard range != Int.min...Int.max else { return type("integer", ["format": .text("int64")]) }
            return type("integer", ["minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)])
        case .number(let range):
            return type("number", ["minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)])
        // A character has at most four bytes.
        case .text(let limit): return type("string", ["maxLength": .integer(limit / 4)])
        case .date: return type("string", ["format": .text("date-time")])
        case .choice(let names): return type("string", ["enum": .texts(names)])
        case .known: return type("string")
        case .list(let kind, let limit):
            return type("array", ["maxItems": .integer(limit), "items": kind.schema(takesNull: false)])
        case .texts, .headers:
            return type("object", ["additionalProperties": .object(["type": .text("string")])])
        case .object(let members):
            var properties: [String: ControlValue] = [:]
            for member in members { properties[member.name] = member.schema }
            return type(
                "object",
                [
                    "properties": .object(properties), "additionalProperties": .truth(false),
                    "required": .texts(members.filter(\.isRequired).map(\.name)),
                ])
        }
    }
}
