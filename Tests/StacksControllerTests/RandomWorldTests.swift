import Foundation
import Testing

@testable import StacksController

/// `STACKS_WORLD_SEEDS=5000` tries so many worlds; `STACKS_WORLD_SEED=17` plays one and prints its story.
@Suite("A controller in a moody world")
struct RandomWorldTests {
    private static let environment = ProcessInfo.processInfo.environment

    @Test(
        "whatever is slow, lost, refused, cancelled or restarted: no job is launched twice at once, none is lost, no slot is overbooked, and a broken launcher fails a few jobs and no more"
    )
    func seeds() {
        let only = Self.environment["STACKS_WORLD_SEED"].flatMap { UInt64($0) }
        let count = Self.environment["STACKS_WORLD_SEEDS"].flatMap { UInt64($0) } ?? 300
        var (launches, restarts, interferences, vain, broken) = (0, 0, 0, 0, 0)
        for seed in only.map({ $0..<($0 + 1) }) ?? 0..<count {
            var world = RandomWorld(seed: seed, keepsStory: only != nil)
            world.run()
            #expect(world.violations.isEmpty, "replay with STACKS_WORLD_SEED=\(seed)")
            for line in world.story ?? [] { print(line) }
            launches += world.launches
            restarts += world.restarts
            interferences += world.interferenceCount
            vain += world.vain
            broken += world.broken
        }
        // Worlds in which nothing happens would prove nothing.
        if only == nil, count >= 50 {
            #expect(launches > Int(count) * 10)
            #expect(restarts > Int(count) / 4)
            #expect(interferences > Int(count) / 2)
            #expect(vain > Int(count))
            #expect(broken > Int(count) / 2)
        }
    }

    @Test(
        "stacks that share slots, whose number and whose configurations change: no slot is lost, none is taken twice, none has more than it may, and every job is run of a stack that is not drained"
    )
    func fleets() throws {
        let only = Self.environment["STACKS_FLEET_SEED"].flatMap { UInt64($0) }
        let count = (Self.environment["STACKS_WORLD_SEEDS"].flatMap { UInt64($0) } ?? 300) / 12
        var (calls, reconfigurations, drains) = (0, 0, 0)
        for seed in only.map({ $0..<($0 + 1) }) ?? 0..<count {
            var world = try FleetWorld(seed: seed, keepsStory: only != nil)
            try world.run()
            #expect(world.violations.isEmpty, "replay with STACKS_FLEET_SEED=\(seed)")
            for line in world.worlds.flatMap({ $0.story ?? [] }) where only != nil { print(line) }
            calls += world.calls
            reconfigurations += world.reconfigurations
            drains += world.drains
        }
        if only == nil, count >= 20 {
            #expect(calls > Int(count) * 10)
            #expect(reconfigurations > Int(count))
            #expect(drains > Int(count) / 10)
        }
    }

    @Test("the same seed is the same world")
    func replay() {
        var first = RandomWorld(seed: 7, keepsStory: true)
        var second = RandomWorld(seed: 7, keepsStory: true)
        first.run()
        second.run()
        let difference = zip(first.story ?? [], second.story ?? []).first { $0 != $1 }
        #expect(difference == nil)
        #expect(first.story?.count == second.story?.count)
        #expect(first.story?.isEmpty == false)
    }
}
