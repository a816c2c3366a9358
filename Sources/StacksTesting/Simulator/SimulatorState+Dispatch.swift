#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A stack's requests about jobs: reserve, get, issue tokens, finish.
extension SimulatorState {
    mutating func reserveJobs(_ admission: Admission) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.Reserve.self, from: admission.body)
        let uuids = try RequestBody.jobUUIDs(body.job_uuids)
        notes.jobs = uuids
        let expiry = try RequestBody.seconds(
            body.reservation_expiry_seconds, named: "reservation_expiry_seconds",
            default: configuration.defaultReservationExpiry
        )
        let (now, stack) = (admission.now, admission.route.stack)
        let expiresAt = now.addingTimeInterval(expiry)
        var (reserved, notReserved): ([String], [String]) = ([], [])
        for uuid in uuids {
            guard let index = job(uuid, organization: admission.organization) else {
                notReserved.append(uuid)
                continue
            }
            switch jobs[index].job.state {
            case .scheduled:
                move(index, to: .reserved, .reserved, at: now, stack: stack)
                jobs[index].isGivenBack = false
                jobs[index].lastReservationWasUnused = false
            case .reserved where jobs[index].job.reservedBy == stack:
                jobs[index].isGivenBack = jobs[index].job.reservationExpiresAt.map { expiresAt < $0 } ?? false
                move(index, to: .reserved, .reservationExtended, at: now, stack: stack)
            default:
                notReserved.append(uuid)
                continue
            }
            jobs[index].job.reservedBy = stack
            jobs[index].job.reservationExpiresAt = expiresAt
            reservationExpiries.set(expiresAt, of: index)
            play(index, on: .reserved, at: now)
            reserved.append(uuid)
        }
        return .ok([("reserved", .strings(reserved)), ("not_reserved", .strings(notReserved))])
    }

    func getJob(_ admission: Admission) throws(Refusal) -> Reply {
        let index = try requireJob(admission.route.job, organization: admission.organization)
        return .ok(describe(index))
    }

    mutating func getJobStates(_ admission: Admission) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.States.self, from: admission.body)
        let uuids = try RequestBody.jobUUIDs(body.job_uuids)
        notes.jobs = uuids
        var states: [(String, JSONText)] = []
        for uuid in uuids {
            guard let index = job(uuid, organization: admission.organization) else { continue }
            states.append((uuid, .string(jobs[index].job.state.rawValue)))
        }
        return .ok([("states", .object(states))])
    }

    mutating func issueTokens(_ admission: Admission) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.Tokens.self, from: admission.body)
        let uuids = try RequestBody.jobUUIDs(body.job_uuids)
        notes.jobs = uuids
        let lifetime = try RequestBody.seconds(
            body.token_lifetime_seconds, named: "token_lifetime_seconds", default: configuration.defaultTokenLifetime
        )
        let (now, stack) = (admission.now, admission.route.stack)
        let expiresAt = now.addingTimeInterval(lifetime)
        var (issued, notIssued): ([JSONText], [String]) = ([], [])
        for uuid in uuids {
            guard let index = job(uuid, organization: admission.organization), jobs[index].job.state == .reserved,
                jobs[index].job.reservedBy == stack
            else {
                notIssued.append(uuid)
                continue
            }
            let token = generator.token(prefix: "bkjat_")
            tokens[token] = TokenRecord(job: index, expiresAt: expiresAt)
            jobs[index].tokens.append(token)
            addEvent(.tokenIssued, to: index, at: now, stack: stack)
            play(index, on: .launched, at: now)
            issued.append(
                .object([
                    ("job_uuid", .string(uuid)), ("job_acquisition_token", .string(token)),
                    ("expires_at", .string(expiresAt.iso8601)),
                ])
            )
        }
        return .created([("job_acquisition_tokens", .array(issued)), ("not_issued", .strings(notIssued))])
    }

    mutating func finishJob(_ admission: Admission) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.Finish.self, from: admission.body)
        let index = try requireJob(admission.route.job, organization: admission.organization)
        jobs[index].job.finishAttempts += 1
        try RequestBody.check(body.detail, named: "detail", atMost: 4096)
        let stack = admission.route.stack
        switch jobs[index].job.state {
        case .scheduled: break
        case .reserved:
            guard jobs[index].job.reservedBy == stack else { throw .invalid("Another stack has reserved the job.") }
        case let state where state.isTerminal: throw .invalid("The job is already \(state).")
        case let state: throw .invalid("A stack cannot finish a job that is \(state).")
        }
        jobs[index].job.finishes += 1
        jobs[index].job.exitStatus = body.exit_status ?? -1
        jobs[index].job.detail = body.detail
        move(index, to: .finished, .finished, at: admission.now, stack: stack)
        return .ok([])
    }

    // MARK: Jobs by UUID

    /// The index of the job with a canonical UUID in an organization.
    func job(_ uuid: String, organization: Int) -> Int? {
        guard let index = jobIndexes[uuid], jobs[index].organization == organization else { return nil }
        return index
    }

    /// The index of the job of an organization with the UUID in a path.
    func requireJob(_ text: String, organization: Int) throws(Refusal) -> Int {
        guard let uuid = RequestBody.canonicalUUID(text) else { throw .badRequest("The job ID is not a UUID.") }
        guard let index = job(uuid, organization: organization) else {
            throw .notFound("No job has the UUID \(uuid).")
        }
        return index
    }

    func describe(_ index: Int) -> [(String, JSONText)] {
        let template = jobs[index].job.template
        let environment = template.environment.sorted { $0.key < $1.key }.map { ($0.key, JSONText.string($0.value)) }
        return [
            ("id", .string(jobs[index].job.id)), ("env", .object(environment)), ("command", .string(template.command)),
        ]
    }
}
