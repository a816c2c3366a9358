import StacksTransport
import Testing

@testable import StacksCurl

@Suite("The last receipt on each connection is known")
struct ReceiptsTests {
    private let start = Moment.now

    @Test("alternating connections keep their own instants")
    func takesTurns() {
        var receipts = Receipts()
        #expect(receipts.last(onPort: 1) == nil)
        receipts.note(start, onPort: 1)
        receipts.note(start + .seconds(1), onPort: 2)
        receipts.note(start + .seconds(2), onPort: 2)
        #expect(receipts.last(onPort: 1) == start)
        #expect(receipts.last(onPort: 2) == start + .seconds(2))
        receipts.note(start + .seconds(3), onPort: 1)
        #expect(receipts.last(onPort: 1) == start + .seconds(3))
        #expect(receipts.last(onPort: 2) == start + .seconds(2))
        #expect(receipts.last(onPort: 3) == nil)
    }
}
