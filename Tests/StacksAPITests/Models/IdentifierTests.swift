import Foundation
import StacksTesting
import Testing

@testable import StacksAPI

@Suite struct IdentifierTests {
    @Test("a canonical UUID needs no allocation and keeps its string")
    func keepsUUIDs() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<1000 {
            let uuid = UUID(
                uuid: unsafeBitCast((generator.next(), generator.next()), to: uuid_t.self))
            let text = uuid.uuidString.lowercased()
            let id = JobID(text)
            #expect(id.description == text)
            #expect(id.uuid == uuid)
            #expect(id == JobID(uuid))
            guard case .uuid = id.storage else {
                Issue.record("\(text) is kept as text")
                return
            }
        }
    }

    @Test("a UUID in uppercase or mixed case is the same identifier, and its string is lowercase")
    func ignoresCase() {
        let canonical = "01890a5d-ac96-774b-bcce-b302099a8057"
        for text in [canonical.uppercased(), "01890A5d-aC96-774b-BCce-b302099a8057"] {
            #expect(JobID(text) == JobID(canonical))
            #expect(JobID(text).description == canonical)
            #expect([JobID(canonical): 1][JobID(text)] == 1)
        }
    }

    @Test("identifiers that differ in a few bits have different hash values")
    func spreads() {
        for shift in stride(from: UInt64(0), to: 60, by: 12) {
            var places: Set<Int> = []
            for number in UInt64(0)..<4096 {
                let id = JobID(storage: .uuid(high: 0x0189_0a5d_ac96_774b ^ number << shift, low: 0xBCCE ^ number))
                places.insert(id._rawHashValue(seed: 7) & 0xFFFF)
            }
            // As many as 4096 random numbers below 65 536 leave, and no fewer.
            #expect(places.count > 3800)
        }
        let id = JobID("01890a5d-ac96-774b-bcce-b302099a8057")
        #expect(id._rawHashValue(seed: 1) != id._rawHashValue(seed: 2))
    }

    @Test(
        "UUIDs chosen to collide under known factors do not collide",
        arguments: [
            // Halves that make a product with a fixed factor nothing, or leave its low bits alone.
            { (0x0189_0a5d_0000_7000 ^ $0 << 20, 0xD6E8_FEB8_6659_FD93) }, { ($0 << 48, 0) },
            { (0x9E37_79B9_7F4A_7C15, $0 << 16) }, { (0x9E37_79B9_7F4A_7C12, $0 << 44) },
            { ($0 << 52, 0xD6E8_FEB8_6659_FD93 ^ $0 << 52) }, { ($0, ~$0) }, { ($0, $0) },
        ] as [@Sendable (UInt64) -> (UInt64, UInt64)])
    func cannotBeChosen(_ chosen: @Sendable (UInt64) -> (UInt64, UInt64)) {
        var places: Set<Int> = []
        for number in UInt64(0)..<4096 {
            let (high, low) = chosen(number)
            places.insert(JobID(storage: .uuid(high: high, low: low))._rawHashValue(seed: 7) & 0xFFFF)
        }
        #expect(places.count > 3800)
    }

    @Test("a string with one character other than a hexadecimal digit is kept unchanged")
    func keepsOtherStrings() {
        let canonical = Array("01890a5d-ac96-774b-bcce-b302099a8057".utf8)
        for index in canonical.indices {
            for byte in UInt8(1)..<0x80 {
                var bytes = canonical
                bytes[index] = byte
                let text = String(decoding: bytes, as: UTF8.self)
                let isDash = [8, 13, 18, 23].contains(index)
                let isDigit = Character(UnicodeScalar(byte)).isHexDigit
                let isUUID = isDash ? byte == UInt8(ascii: "-") : isDigit
                let id = JobID(text)
                #expect(id.description == (isUUID ? text.lowercased() : text))
                #expect((id.uuid != nil) == isUUID, "\(text)")
            }
        }
        for text in [
            "", "job", "01890A5D-AC96-774B-BCCE-B302099A805", "01890a5dac96774bbcceb302099a8057", "ünïcode",
        ] {
            #expect(JobID(text).description == text)
            #expect(JobID(text).uuid == nil)
        }
    }

    @Test("bytes outside ASCII in place of a digit are not a UUID")
    func refusesHighBytes() {
        var bytes = Array("01890a5d-ac96-774b-bcce-b302099a8057".utf8)
        for index in bytes.indices {
            let original = bytes[index]
            for byte in UInt8(0x80)...0xFF {
                bytes[index] = byte
                bytes.withUnsafeBytes { #expect(CanonicalUUID.parse($0.baseAddress!) == nil) }
            }
            bytes[index] = original
        }
    }

    @Test("identifiers are ordered like their strings")
    func ordersAsStrings() {
        var generator = SeededGenerator(seed: 6)
        var texts = (0..<200).map { _ in
            UUID(uuid: unsafeBitCast((generator.next(), generator.next()), to: uuid_t.self)).uuidString.lowercased()
        }
        texts += ["", "a", "z", "0", "job-1"]
        #expect(texts.map { JobID($0) }.sorted().map(\.description) == texts.sorted())
    }

    @Test("equal identifiers are equal keys, however they were created")
    func hashes() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057"
        let states: [JobID: Int] = [JobID(text): 1, "other": 2]
        #expect(states[JobID(UUID(uuidString: text)!)] == 1)
        #expect(states["01890a5d-ac96-774b-bcce-b302099a8057"] == 1)
        #expect(states["other"] == 2)
        #expect(states["another"] == nil)
    }
}
