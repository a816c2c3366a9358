import StacksAPI

func reserve(_ jobs: [JobID], with client: StacksClient) async throws -> [JobID] {
    do {
        let options = CallOptions(retryPolicy: .never, timeout: .seconds(5))
        let reservation = try await client.reserveJobs(jobs, stack: "mac-fleet", options: options)
        print("\(reservation.rateLimit?.remaining ?? 0) requests left in this second")
        return reservation.reserved
    } catch let error as StacksAPIError where error.code == .rateLimited {
        print("try again in \(error.retryAfter ?? .seconds(1))")
        return []
    }
}
