#if Tracing
    import HTTPTypes
    import StacksTransport
    import Tracing

    /// The names and attributes of spans, by OpenTelemetry's conventions for HTTP clients
    /// (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span>). They contain no header field
    /// and no body.
    struct SpanFacts {
        var name = ""
        var attributes: [(key: String, value: SpanAttribute)] = []
        /// Whether the span's status is an error.
        var isFailure = false

        func add(to attributes: inout SpanAttributes) {
            for (key, value) in self.attributes { attributes[key] = value }
        }

        static func call(_ operation: StacksOperation, to server: BaseURL) -> SpanFacts {
            SpanFacts(
                name: operation.name,
                attributes: [("buildkite.operation", .string(operation.name))] + Self.server(server))
        }

        static func request(
            _ request: TransportRequest, _ definition: OperationDefinition, attempt: Int, to server: BaseURL
        ) -> SpanFacts {
            let template = server.pathPrefix + definition.path.description
            var facts = SpanFacts(
                name: "\(request.method.rawValue) \(template)",
                attributes: [
                    ("http.request.method", .string(request.method.rawValue)),
                    ("url.full", .string(server.origin + request.path)),
                    ("url.template", .string(template)),
                ] + Self.server(server))
            if attempt > 1 { facts.attributes.append(("http.request.resend_count", .int64(Int64(attempt - 1)))) }
            return facts
        }

        static func response(_ outcome: Result<TransportResponse, any Error>) -> SpanFacts {
            var facts = SpanFacts()
            switch outcome {
            case .success(let response):
                facts.attributes.append(("http.response.status_code", .int64(Int64(response.status.code))))
                if let version = response.metrics?.httpVersion {
                    facts.attributes.append(
                        ("network.protocol.version", .string(String(version.rawValue.drop { $0 != "/" }.dropFirst()))))
                }
                if response.status.kind != .successful {
                    facts.attributes.append(("error.type", .string("\(response.status.code)")))
                    facts.isFailure = true
                }
            case .failure(is CancellationError):
                facts.attributes.append(("error.type", .string("cancelled")))
            case .failure(let error):
                let type = (error as? TransportError)?.code.description ?? "other"
                facts.attributes.append(("error.type", .string(type)))
                facts.isFailure = true
            }
            return facts
        }

        static func success(attempts: Int, rateLimitWait: Duration) -> SpanFacts {
            var facts = SpanFacts(attributes: [
                ("buildkite.outcome", "success"), ("buildkite.requests", .int64(Int64(attempts))),
            ])
            if rateLimitWait > .zero {
                facts.attributes.append(("buildkite.rate_limit_wait", .double(rateLimitWait / .seconds(1))))
            }
            return facts
        }

        static func success<Value>(_ response: StacksResponse<Value>) -> SpanFacts {
            var facts = success(attempts: response.attempts, rateLimitWait: response.rateLimitWait)
            if response.wasConfirmedByState {
                facts.attributes.append(("buildkite.confirmed_by_state", .bool(true)))
            }
            if !response.failedBatches.isEmpty {
                facts.attributes.append(("buildkite.failed_batches", .int64(Int64(response.failedBatches.count))))
            }
            return facts
        }

        static func failure(_ error: any Error) -> SpanFacts {
            guard let error = error as? StacksAPIError else {
                return SpanFacts(attributes: [("buildkite.outcome", "cancelled")])
            }
            return SpanFacts(attributes: [
                ("buildkite.outcome", "failure"), ("buildkite.requests", .int64(Int64(error.attempts))),
                ("error.type", .string(error.code.description)),
            ])
        }

        private static func server(_ server: BaseURL) -> [(key: String, value: SpanAttribute)] {
            [("server.address", .string(server.host)), ("server.port", .int64(Int64(server.port)))]
        }
    }
#endif
