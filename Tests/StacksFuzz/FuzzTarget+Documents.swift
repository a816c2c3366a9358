import DocumentProof
import HTTPTypes
import StacksAPI
import StacksTransport

extension FuzzTarget {
    func testDifferential(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let kind = DocumentKind.allCases[Int(first) % DocumentKind.allCases.count]
        var differential = Differential()
        differential.compare(Array(bytes.dropFirst()), as: kind)
        precondition(differential.disagreementCount == 0, differential.summary)
    }

    /// What is read is read the same way again, and what is refused is refused at a byte of the document.
    func testReader(_ bytes: [UInt8], _ kind: DocumentKind) {
        do {
            let isSame = try kind.isReadTheSameTwice(bytes)
            precondition(isSame, "read differently the second time")
            precondition((try? DecoderEntryPoints.anything(bytes)) != nil, "read although it is no JSON")
        } catch let error as DecoderEntryPoints.Refusal {
            precondition(error.offset >= 0 && error.offset <= bytes.count, "refused outside of the document")
            precondition(!error.description.isEmpty)
        } catch {
            preconditionFailure("refused with \(error)")
        }
    }

    func testRefusal(_ bytes: [UInt8]) {
        let message = DecoderEntryPoints.message(bytes)
        precondition((message?.unicodeScalars.count ?? 0) <= 1001, "a message without a bound")
        let isOneLine = message?.unicodeScalars.allSatisfy { !VisibleText.isHidden($0) } ?? true
        precondition(isOneLine, "a message with characters that are not seen")
        _ = DecoderEntryPoints.rateLimit(.init(status: .tooManyRequests, body: bytes))
    }

    func testAnything(_ bytes: [UInt8]) {
        do throws(DecoderEntryPoints.Refusal) {
            try DecoderEntryPoints.anything(bytes)
        } catch {
            precondition(error.offset >= 0 && error.offset <= bytes.count, "refused outside of the document")
            // What comes before the byte that is wrong is the beginning of some document, so cutting the document there
            // moves no error to the front.
            let beginning = Array(bytes[..<error.offset])
            do throws(DecoderEntryPoints.Refusal) {
                try DecoderEntryPoints.anything(beginning)
            } catch let other {
                precondition(other.offset == error.offset, "\(error), but of its beginning \(other)")
            }
        }
    }

    func testString(_ bytes: [UInt8]) {
        guard let text = try? DecoderEntryPoints.string(bytes) else { return }
        let again = try? DecoderEntryPoints.string(DecoderEntryPoints.document(text))
        precondition(
            again.map { Array($0.utf8) == Array(text.utf8) } ?? false, "written differently from what was read")
    }

    /// The cursor of a page is one value of the next request's query, whatever is in it.
    func testCursor(_ bytes: [UInt8]) {
        guard let page = try? DecoderEntryPoints.scheduledJobs(bytes), let cursor = page.pageInfo.endCursor else {
            return
        }
        let segment = DecoderEntryPoints.pathSegment(cursor)
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~%".utf8)
        precondition(segment.utf8.allSatisfy(allowed.contains), "a cursor reaches the path as it is")
        precondition(Self.decoded(segment) == Array(cursor.utf8), "a cursor reaches the server as another one")
    }

    private static func decoded(_ segment: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(segment.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    /// What the log shows is bounded, and shows neither a command nor the value of a variable.
    func testLogged(_ bytes: [UInt8]) {
        let shown = DecoderEntryPoints.logged(bytes)
        precondition(shown.utf8.count <= 4096 * 3 + 40, "a log line without a bound")
        guard let job = try? DecoderEntryPoints.job(bytes) else { return }
        for value in job.environment.values where value.utf8.count > 24 {
            precondition(!shown.contains(value), "a variable's value in the log")
        }
    }
}
