#if Tracing
    import HTTPTypes
    import Tracing

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
#endif
