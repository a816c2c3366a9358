import StacksTransport
import Testing

@testable import StacksCurl

@Suite("Transfers wait for their next call")
struct IdleTransferTests {
    @Test("what a call that failed had received is not kept until the next one")
    func partialAnswer() throws {
        try CurlLibrary.prepare()
        let configuration = CurlTransport.Configuration()
        let mailbox = try CurlMailbox()
        var loop = CurlLoop(
            configuration: configuration, library: CurlLibrary.features, mailbox: mailbox,
            executor: CurlExecutor(mailbox: mailbox))
        let transfer = try CurlTransfer(configuration: configuration, library: CurlLibrary.features)
        transfer.progress.answer.header = Array(repeating: 0, count: 1 << 10)
        transfer.progress.answer.body = Array(repeating: 0, count: 1 << 20)
        loop.recycle(transfer)
        let idle = try #require(loop.idleTransfers.first)
        #expect(idle === transfer)
        #expect(idle.progress.answer.header.capacity == 0)
        #expect(idle.progress.answer.body.capacity == 0)
    }
}
