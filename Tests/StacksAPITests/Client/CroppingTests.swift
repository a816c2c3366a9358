import HTTPTypes
import Logging
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

@Suite struct CroppingTests {
    @Test("a detail of exactly the limit is not cropped")
    func keepsWhatFits() {
        for text in [String(repeating: "a", count: 4096), String(repeating: "é", count: 2048)] {
            #expect(Cropping.finishDetail.crop(text) == text)
        }
        for text in [String(repeating: "a", count: 256), String(repeating: "😀", count: 256)] {
            #expect(Cropping.notificationDetail.crop(text) == text)
        }
    }

    @Test(
        "a longer detail is cropped between characters and ends with the marker, within the limit",
        arguments: ["a", "é", "€", "😀", "👩‍👩‍👧‍👦", "e\u{301}", "🇩🇪", "\r\n"])
    func cuts(_ character: String) {
        for cropping in [Cropping.finishDetail, .notificationDetail] {
            for shift in 0..<4 {
                let text = String(repeating: "x", count: shift) + String(repeating: character, count: 4100)
                let result = cropping.crop(text)
                #expect(cropping.size(result) <= cropping.limit)
                // One more character would not have fitted.
                #expect(cropping.size(result) + cropping.size(character) > cropping.limit)
                let kept = String(result.dropLast(Cropping.marker.count))
                #expect(kept + Cropping.marker == result)
                #expect(text.hasPrefix(kept))
                #expect(kept.dropFirst(shift).allSatisfy { String($0) == character })
            }
        }
    }

    @Test("a single character beyond the limit is cropped between its scalars")
    func cutsEndlessCharacters() {
        let text = "e" + String(repeating: "\u{301}", count: 5000)
        #expect(text.count == 1)
        let result = Cropping.finishDetail.crop(text)
        #expect(result.utf8.count <= 4096)
        #expect(result.utf8.count > 4000)
    }

    @Test("cropping is logged without the detail")
    func cropsAndLogs() async throws {
        let bed = try Testbed([.response(), .response()], logLevel: .notice)
        let detail = String(repeating: "secret ", count: 700)
        try await bed.client.finishJob(.sample, stack: "s", exitStatus: 1, detail: detail)
        try await bed.client.notify(.sample, detail: detail, stack: "s")
        let bodies = bed.transport.requests.compactMap(\.bodyText)
        #expect(bodies.allSatisfy { $0.contains(Cropping.marker) })
        #expect(bed.log.lines.map(\.message) == ["A detail was cropped", "A detail was cropped"])
        #expect(bed.log.lines[0].metadata == ["call": "finishJob", "bytes": "4900", "limit": "4096"])
        #expect(bed.log.lines[1].metadata == ["call": "notify", "characters": "4900", "limit": "256"])
    }
}
