import StacksTransport

#if Tracing
    import HTTPTypes
    import Tracing

    /// The span of one call, and of its request that is under way. It owns both until they are ended.
    ///
    /// Without the trait `Tracing` it is empty, and so is everything it does.
    struct CallTrace: Sendable {
        private struct Recording {
            let tracer: any Tracer
            /// What writes the context into a request: more than the tracer where several instruments are in use.
            let instrument: any Instrument
            let call: any Span
            var request: (any Span)?
            /// Whether this is one of several requests of a call that ends the call's span itself.
            var isPart = false
        }

        private var recording: Recording?

        /// Records nothing.
        init() {}

        /// Starts a call's span, as a child of the task's.
        init(_ operation: StacksOperation, to server: BaseURL, tracer: (any Tracer)?) {
            let instrument: any Instrument = tracer ?? InstrumentationSystem.instrument
            if instrument is NoOpInstrument { return }
            let tracer = tracer ?? InstrumentationSystem.tracer
            let call = tracer.startSpan(operation.name, context: .current ?? .topLevel, ofKind: .client)
            call.updateAttributes { SpanFacts.call(operation, to: server).add(to: &$0) }
            recording = Recording(tracer: tracer, instrument: instrument, call: call)
        }

        /// The same for one of the call's requests, or `nil` when nothing is recorded.
        var part: CallTrace? {
            guard recording != nil else { return nil }
            var part = self
            part.recording?.isPart = true
            return part
        }

        /// Starts a request's span and writes its context into the header fields.
        mutating func sends(_ request: inout TransportRequest, _ operation: Operation, attempt: Int, to server: BaseURL)
        {
            guard let recording else { return }
            let facts = SpanFacts.request(request, operation, attempt: attempt, to: server)
            let span = recording.tracer.startSpan(facts.name, context: recording.call.context, ofKind: .client)
            span.updateAttributes { facts.add(to: &$0) }
            recording.instrument.inject(span.context, into: &request.headerFields, using: HeaderFieldInjector())
            self.recording?.request = span
        }

        /// Ends a request's span.
        mutating func answered(_ answer: TransportResponse) { ended(.success(answer)) }

        /// The same for a request that got no answer.
        mutating func unanswered(_ error: any Error) { ended(.failure(error)) }

        private mutating func ended(_ outcome: Result<TransportResponse, any Error>) {
            guard let span = recording?.request else { return }
            recording?.request = nil
            let facts = SpanFacts.answer(outcome)
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
            guard let recording, !recording.isPart else { return }
            recording.call.updateAttributes { facts().add(to: &$0) }
            recording.call.end()
        }

        /// Ends the call's span with what was thrown.
        func failed(_ error: any Error) {
            guard let recording, !recording.isPart else { return }
            recording.call.updateAttributes { SpanFacts.failure(error).add(to: &$0) }
            if var error = error as? StacksAPIError {
                // What the server said is in the description; the body could be more than a trace is for.
                error.body = []
                recording.call.recordError(error)
                recording.call.setStatus(SpanStatus(code: .error, message: error.shortDescription))
            }
            recording.call.end()
        }
    }

    extension ClientCore {
        /// The trace of a call, or of one of the requests of a call that has one.
        func trace(of operation: Operation, _ options: CallOptions) -> CallTrace {
            options.trace.part ?? CallTrace(operation.name, to: baseURL, tracer: configuration.tracer)
        }
    }

    /// Writes a trace's context (`traceparent` for example) into a request's header fields.
    struct HeaderFieldInjector: Injector {
        func inject(_ value: String, forKey key: String, into fields: inout HTTPFields) {
            // An instrument can be anybody's: it adds fields, but none of those that are the client's alone.
            guard let name = HTTPField.Name(key), !RequestFields.reserved.contains(name),
                HTTPField.isValidValue(value)
            else { return }
            fields[name] = value
        }
    }
#else
    /// Records nothing: spans come with the trait `Tracing`.
    struct CallTrace: Sendable {
        var part: CallTrace? { nil }
        func sends(_ request: inout TransportRequest, _ operation: Operation, attempt: Int, to server: BaseURL) {}
        func answered(_ answer: borrowing TransportResponse) {}
        func unanswered(_ error: any Error) {}
        func succeeded(attempts: Int, rateLimitWait: Duration) {}
        func succeeded<Value>(_ response: StacksResponse<Value>) {}
        func failed(_ error: any Error) {}
    }

    extension ClientCore {
        func trace(of operation: Operation, _ options: CallOptions) -> CallTrace { CallTrace() }
    }
#endif
