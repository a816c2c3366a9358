import StacksTransport

#if Tracing
    import HTTPTypes
    import Tracing

    /// The spans of one call and of its current request. It owns both until they end.
    ///
    /// Without the trait `Tracing` it is empty and does nothing.
    struct CallTrace: Sendable {
        private struct Recording {
            let tracer: any Tracer
            /// Writes the context into a request. It is more than the tracer when several instruments are in use.
            let instrument: any Instrument
            let call: any Span
            var request: (any Span)?
            /// Whether this is a request of a call that ends its span itself.
            var isInner = false
        }

        private var recording: Recording?

        /// Records nothing.
        init() {}

        /// Starts a call's span as a child of the task's.
        init(_ operation: StacksOperation, to server: BaseURL, tracer: (any Tracer)?) {
            let instrument: any Instrument = tracer ?? InstrumentationSystem.instrument
            if instrument is NoOpInstrument { return }
            let tracer = tracer ?? InstrumentationSystem.tracer
            let call = tracer.startSpan(operation.name, context: .current ?? .topLevel, ofKind: .client)
            call.updateAttributes { SpanFacts.call(operation, to: server).add(to: &$0) }
            recording = Recording(tracer: tracer, instrument: instrument, call: call)
        }

        /// The same spans for an inner request, which does not end the call's span; `nil` when nothing is recorded.
        var inner: CallTrace? {
            guard recording != nil else { return nil }
            var inner = self
            inner.recording?.isInner = true
            return inner
        }

        /// Starts a request's span and writes its context into the header fields.
        mutating func sends(
            _ request: inout TransportRequest, _ definition: OperationDefinition, attempt: Int, to server: BaseURL
        ) {
            guard let recording else { return }
            let facts = SpanFacts.request(request, definition, attempt: attempt, to: server)
            let span = recording.tracer.startSpan(facts.name, context: recording.call.context, ofKind: .client)
            span.updateAttributes { facts.add(to: &$0) }
            recording.instrument.inject(span.context, into: &request.headerFields, using: HeaderFieldInjector())
            self.recording?.request = span
        }

        /// Ends a request's span.
        mutating func received(_ response: TransportResponse) { ended(.success(response)) }

        /// The same for a request that got no response.
        mutating func requestFailed(_ error: any Error) { ended(.failure(error)) }

        private mutating func ended(_ outcome: Result<TransportResponse, any Error>) {
            guard let span = recording?.request else { return }
            recording?.request = nil
            let facts = SpanFacts.response(outcome)
            span.updateAttributes { facts.add(to: &$0) }
            if facts.isFailure { span.setStatus(SpanStatus(code: .error)) }
            span.end()
        }

        /// Ends the span of a call of one request.
        func succeeded(attempts: Int, rateLimitWait: Duration) {
            succeeded(SpanFacts.success(attempts: attempts, rateLimitWait: rateLimitWait))
        }

        /// Ends the span of a call of several requests.
        func succeeded<Value>(_ response: StacksResponse<Value>) { succeeded(SpanFacts.success(response)) }

        private func succeeded(_ facts: @autoclosure () -> SpanFacts) {
            guard let recording, !recording.isInner else { return }
            recording.call.updateAttributes { facts().add(to: &$0) }
            recording.call.end()
        }

        /// Ends the call's span with what was thrown.
        func failed(_ error: any Error) {
            guard let recording, !recording.isInner else { return }
            recording.call.updateAttributes { SpanFacts.failure(error).add(to: &$0) }
            if var error = error as? StacksAPIError {
                // The description has the server's message; the body would be too much for a trace.
                error.body = []
                recording.call.recordError(error)
                recording.call.setStatus(SpanStatus(code: .error, message: error.shortDescription))
            }
            recording.call.end()
        }
    }

    extension ClientCore {
        /// Starts the call's span, or continues the one of `options` when this is an inner request.
        func trace(of definition: OperationDefinition, _ options: CallOptions) -> CallTrace {
            options.trace.inner ?? CallTrace(definition.operation, to: baseURL, tracer: configuration.tracer)
        }
    }

    /// Writes a trace's context (`traceparent` for example) into a request's header fields.
    struct HeaderFieldInjector: Injector {
        func inject(_ value: String, forKey key: String, into fields: inout HTTPFields) {
            // Any instrument can be in use: it may add fields, but none that only the client sets.
            guard let name = HTTPField.Name(key), !RequestFields.reserved.contains(name),
                HTTPField.isValidValue(value)
            else { return }
            fields[name] = value
        }
    }
#else
    /// Records nothing: spans come with the trait `Tracing`.
    struct CallTrace: Sendable {
        var inner: CallTrace? { nil }
        func sends(
            _ request: inout TransportRequest, _ definition: OperationDefinition, attempt: Int, to server: BaseURL
        ) {}
        func received(_ response: TransportResponse) {}
        func requestFailed(_ error: any Error) {}
        func succeeded(attempts: Int, rateLimitWait: Duration) {}
        func succeeded<Value>(_ response: StacksResponse<Value>) {}
        func failed(_ error: any Error) {}
    }

    extension ClientCore {
        func trace(of definition: OperationDefinition, _ options: CallOptions) -> CallTrace { CallTrace() }
    }
#endif
