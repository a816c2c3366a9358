import StacksTransport
import Testing

@testable import StacksCurl

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
        transfer.progress.response.header = Array(repeating: 0, count: 1 << 10)
        transfer.progress.response.body = Array(repeating: 0, count: 1 << 20)
        loop.recycle(transfer)
        let idle = try #require(loop.idleTransfers.first)
        #expect(idle === transfer)
        #expect(idle.progress.response.header.capacity == 0)
        #expect(idle.progress.response.body.capacity == 0)
    }
}
