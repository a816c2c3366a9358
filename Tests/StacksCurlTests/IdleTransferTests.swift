import StacksTransport
import Testing

@testable import StacksCurl

@Suite("Buffers of the I/O thread")
struct IOBufferTests {
    @Test("bytes are appended and replaced, and the memory of many is not kept for a few")
    func bytes() {
        var buffer = IOBuffer()
        var expected: [UInt8] = []
        for length in [0, 1, 511, 512, 513, 5000] {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 + length) }
            unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append($0) }
            expected += bytes
            #expect(unsafe buffer.bytes.elementsEqual(expected))
        }
        let many = [UInt8](repeating: 1, count: 1 << 16)
        buffer.fill(with: many)
        #expect(unsafe buffer.bytes.elementsEqual(many))
        let address = unsafe buffer.address
        buffer.fill(with: many)
        #expect(unsafe buffer.address == address, "memory of the same size is used again")
        buffer.fill(with: [2, 3])
        #expect(unsafe buffer.bytes.elementsEqual([2, 3]))
        #expect(buffer.capacity == 512)
        buffer.removeAll()
        #expect(buffer.count == 0)
    }
}

@Suite("Idle transfers")
struct IdleTransferTests {
    @Test("bytes that a failed call received are freed before the next one")
    func partialAnswer() throws {
        try CurlLibrary.prepare()
        let configuration = CurlTransport.Configuration()
        let mailbox = try CurlMailbox()
        var loop = CurlLoop(
            configuration: configuration, library: CurlLibrary.features, mailbox: mailbox,
            executor: CurlExecutor(mailbox: mailbox))
        let transfer = try CurlTransfer(configuration: configuration, library: CurlLibrary.features)
        transfer.header.value.fill(with: Array(repeating: 0, count: 1 << 18))
        transfer.progress.response.body = Array(repeating: 0, count: 1 << 20)
        loop.recycle(transfer)
        let idle = try #require(loop.idleTransfers.first)
        #expect(idle === transfer)
        #expect(idle.header.value.count == 0)
        #expect(idle.header.value.capacity <= 1 << 14)
        #expect(idle.progress.response.body.capacity == 0)
    }
}
