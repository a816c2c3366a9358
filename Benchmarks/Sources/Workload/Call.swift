/// A call that is measured. Request and response are the same for every contestant.
package enum Call: String, CaseIterable, Codable, Sendable {
    case states1 = "states-1"
    case states1000 = "states-1000"
    case job
    case list100 = "list-100"
    case list1000 = "list-1000"
    case reserve1000 = "reserve-1000"
    case finish
    case notify1000 = "notify-1000"

    /// In words, for a table or a chart.
    package var title: String {
        switch self {
        case .states1: "states of 1 job"
        case .states1000: "states of 1000 jobs"
        case .job: "get a job"
        case .list100: "list 100 jobs"
        case .list1000: "list 1000 jobs"
        case .reserve1000: "reserve 1000 jobs"
        case .finish: "finish a job"
        case .notify1000: "notify 1000 jobs"
        }
    }

    /// How many jobs the call is about.
    package var jobCount: Int {
        switch self {
        case .states1, .job, .finish: 1
        case .list100: 100
        case .states1000, .list1000, .reserve1000, .notify1000: 1000
        }
    }
}
