import StacksAPI
import StacksController
import Testing

@Suite("Which jobs match a stack")
struct JobMatcherTests {
    private let tags: [String: TagValues] = ["os": "linux", "size": "large", "expr": "a=b", "empty": ""]

    @Test(
        "every rule must be matched by the tags",
        arguments: [
            ([], .matches),
            (["os=linux"], .matches),
            (["os=linux", "size=large"], .matches),
            (["os=linux", "size=small"], .unmatched(rule: "size=small")),
            (["os=macos", "size=small"], .unmatched(rule: "os=macos")),
            (["os=*"], .matches),
            (["gpu=*"], .unmatched(rule: "gpu=*")),
            (["gpu=yes"], .unmatched(rule: "gpu=yes")),
            (["OS=linux"], .unmatched(rule: "OS=linux")),
            (["os=Linux"], .unmatched(rule: "os=Linux")),
            (["expr=a=b"], .matches),
            (["empty="], .matches),
            (["os="], .unmatched(rule: "os=")),
            (["os"], .invalid(rule: "os")),
            (["=linux"], .invalid(rule: "=linux")),
            ([""], .invalid(rule: "")),
            (["os=macos", "nonsense"], .invalid(rule: "nonsense")),
        ] as [([String], JobMatcher.Verdict)])
    func verdicts(rules: [String], verdict: JobMatcher.Verdict) {
        #expect(JobMatcher(tags: tags).verdict(on: rules) == verdict)
    }

    @Test("what the list of a queue holds belongs to the queue: its rule counts as matched, whatever it says")
    func queueRule() {
        let matcher = JobMatcher(tags: tags)
        #expect(matcher.verdict(on: ["queue=builds", "os=linux"]) == .matches)
        #expect(matcher.verdict(on: ["queue=other"]) == .matches)
        #expect(matcher.verdict(on: ["queue="]) == .matches)
        #expect(matcher.verdict(on: ["queue=other", "os=macos"]) == .unmatched(rule: "os=macos"))
        #expect(matcher.verdict(on: ["queue"]) == .invalid(rule: "queue"))
        #expect(matcher.verdict(on: ["Queue=x"]) == .unmatched(rule: "Queue=x"))
        #expect(JobMatcher(tags: ["queue": "x"]).verdict(on: ["queue=y"]) == .matches)
    }

    @Test(
        "a tag of several values matches a rule with any of them, and a tag of any value every rule for its key",
        arguments: [
            (["image=a"], .matches),
            (["image=b", "os=linux"], .matches),
            (["image=c"], .unmatched(rule: "image=c")),
            (["image=*"], .matches),
            (["image="], .unmatched(rule: "image=")),
            (["image"], .invalid(rule: "image")),
            (["arch=arm64", "arch=x86_64"], .matches),
            (["arch="], .matches),
            (["xcode=16"], .matches),
            (["xcode=17"], .matches),
            (["nothing=*"], .unmatched(rule: "nothing=*")),
        ] as [([String], JobMatcher.Verdict)])
    func severalValues(rules: [String], verdict: JobMatcher.Verdict) {
        let tags: [String: TagValues] = [
            "image": ["a", "b"], "os": "linux", "arch": "*", "xcode": ["16", "*"], "nothing": [],
        ]
        #expect(JobMatcher(tags: tags).verdict(on: rules) == verdict)
    }

    @Test("the values of a tag are equal in whatever order and form they are written")
    func values() {
        let name = "a"
        #expect(TagValues(["b", "a", "b"]) == ["a", "b"])
        #expect(TagValues(name) == "a" && "\(name)" as TagValues == ["a"])
        #expect(TagValues.any == "*" && TagValues.any != "a")
        #expect(TagValues([]).isEmpty && !TagValues("").isEmpty)
    }
}
