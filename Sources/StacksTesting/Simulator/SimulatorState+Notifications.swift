#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SimulatorState {
    private static let notificationsPerJob = 100

    /// Creates the valid notifications, and lists the indexes of invalid ones.
    mutating func createNotifications(_ admission: Admission) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.Notifications.self, from: admission.body)
        guard !body.notifications.isEmpty else { throw .badRequest("notifications must not be empty.") }
        try RequestBody.check(body.notifications.count, named: "notifications", atMost: 1000)
        notes.jobs = body.notifications.compactMap { RequestBody.canonicalUUID($0.job_uuid) }
        var errors: [(message: String, indexes: [Int])] = []
        for (place, notification) in body.notifications.enumerated() {
            do throws(Refusal) {
                try create(notification, admission)
            } catch {
                if let known = errors.firstIndex(where: { $0.message == error.message }) {
                    errors[known].indexes.append(place)
                } else {
                    errors.append((error.message, [place]))
                }
            }
        }
        let list = errors.map { error in
            JSONText.object([
                ("error", .string(error.message)), ("indexes", .array(error.indexes.map(JSONText.integer))),
            ])
        }
        return .ok([("errors", .array(list))])
    }

    private mutating func create(
        _ notification: RequestBody.Notifications.Notification, _ admission: Admission
    ) throws(Refusal) {
        let index = try requireJob(notification.job_uuid, organization: admission.organization)
        guard !notification.detail.isEmpty else { throw .invalid("detail must not be empty") }
        guard notification.detail.unicodeScalars.count <= 256 else {
            throw .invalid("detail must have at most 256 characters")
        }
        if let text = notification.timestamp {
            guard let date = Date(iso8601: text) else { throw .invalid("timestamp is not an ISO 8601 date") }
            guard date <= admission.now else { throw .invalid("timestamp is in the future") }
            // Timestamps have milliseconds; the job may have been created up to a millisecond later.
            guard date.addingTimeInterval(0.001) > jobs[index].job.createdAt else {
                throw .invalid("timestamp is before the job was created")
            }
        }
        guard jobs[index].job.notifications.count < Self.notificationsPerJob else {
            throw .invalid("the job already has \(Self.notificationsPerJob) notifications")
        }
        jobs[index].job.notifications.append(notification.detail)
        addEvent(.notified, to: index, at: admission.now, stack: admission.route.stack)
    }
}
