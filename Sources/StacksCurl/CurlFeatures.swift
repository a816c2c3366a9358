/// What a libcurl can do, by its version: the table that everything asks that is not the same in all of them.
package struct CurlFeatures: Sendable, Hashable {
    /// The version as a number, `0x080500` for 8.5.0.
    package let version: UInt32

    /// Whether it looks names up on threads of its own, and not with c-ares.
    package let resolvesOnThreads: Bool

    /// Those of the libcurl that this process runs with, or of the headers that it was built with when they are older.
    package static var ofThisProcess: CurlFeatures { CurlLibrary.features }

    /// The version of the headers that this process was built with.
    package static var headerVersion: UInt32 { CurlLibrary.headerVersion }

    package init(version: UInt32, resolvesOnThreads: Bool = true) {
        self.version = version
        self.resolvesOnThreads = resolvesOnThreads
    }

    /// The oldest version that is supported: 7.81.0, that of Ubuntu 22.04.
    package static let oldestVersion: UInt32 = 0x07_51_00

    /// Whether it is new enough.
    package var isSupported: Bool { version >= Self.oldestVersion }

    /// Whether the schemes that a URL may have are named by text (`CURLOPT_PROTOCOLS_STR`, 7.85.0). A bit mask before.
    package var namesProtocols: Bool { version >= 0x07_55_00 }

    /// Whether a look-up can be left alone when its transfer ends (`CURLOPT_QUICK_EXIT`, 7.87.0).
    package var leavesLookUps: Bool { version >= 0x07_57_00 }

    /// Whether look-ups belong to the multi handle, which waits for them when it is freed unless it is told not to
    /// (`CURLMOPT_QUICK_EXIT`, 8.20.0).
    package var gathersLookUps: Bool { version >= 0x08_14_00 }

    /// Whether a transfer that is removed while its name is looked up blocks until the look-up is over.
    package var waitsForLookUps: Bool { resolvesOnThreads && !leavesLookUps }
}
