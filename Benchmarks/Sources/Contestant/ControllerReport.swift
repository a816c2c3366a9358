/// What became of the jobs that a controller was given: one line of JSON.
package struct ControllerReport: Codable, Sendable {
    package var jobs: Int
    package var launched: Int
    package var launchedTwice: Int
    /// Jobs that are not finished at the end.
    package var lost: Int
    /// Requests to which the simulator responded with 429.
    package var refused: Int
    /// From the controller's start to the last launch.
    package var wallNanoseconds: Int
    /// CPU time of the process for that: controller, client, agents and simulator together.
    package var cpuNanoseconds: Int
    package var peakMemoryBytes: Int

    package init(
        jobs: Int, launched: Int, launchedTwice: Int, lost: Int, refused: Int, wallNanoseconds: Int,
        cpuNanoseconds: Int, peakMemoryBytes: Int
    ) {
        self.jobs = jobs
        self.launched = launched
        self.launchedTwice = launchedTwice
        self.lost = lost
        self.refused = refused
        self.wallNanoseconds = wallNanoseconds
        self.cpuNanoseconds = cpuNanoseconds
        self.peakMemoryBytes = peakMemoryBytes
    }
}
