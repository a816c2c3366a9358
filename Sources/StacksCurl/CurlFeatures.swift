/// The features of a libcurl version that differ between the supported versions.
package struct CurlFeatures: Sendable, Hashable {
    /// The version whose options are used, as a number, `0x080500` for 8.5.0.
    package let version: UInt32

    /// The version that runs, which may be newer than ``version``.
    package let runtimeVersion: UInt32

    /// Whether it resolves names on threads of its own rather than with c-ares.
    package let resolvesOnThreads: Bool

    /// The features of the libcurl that this process runs with, or of its build headers when those are older.
    package static var ofThisProcess: CurlFeatures { CurlLibrary.features }

    /// The version of the headers that this process was built with.
    package static var headerVersion: UInt32 { CurlLibrary.headerVersion }

    /// The features of a version, which is also the one that runs unless that is another.
    package init(version: UInt32, runtimeVersion: UInt32? = nil, resolvesOnThreads: Bool = true) {
        self.version = version
        self.runtimeVersion = runtimeVersion ?? version
        self.resolvesOnThreads = resolvesOnThreads
    }

    /// The oldest supported version: 7.81.0, of Ubuntu 22.04.
    package static let oldestVersion: UInt32 = 0x07_51_00

    /// Whether the version is supported.
    package var isSupported: Bool { version >= Self.oldestVersion }

    /// Whether the allowed schemes are set as text (`CURLOPT_PROTOCOLS_STR`, 7.85.0) rather than as a bit mask.
    package var namesProtocols: Bool { version >= 0x07_55_00 }

    /// Whether it cancels the thread of a resolution that it no longer needs (8.16.0, and no other version). The system's
    /// resolver may then leak, or keep a lock for which every later resolution of the process waits
    /// (<https://github.com/curl/curl/issues/18532>).
    private var cancelsResolution: Bool { runtimeVersion == 0x08_10_00 }

    /// Whether a transfer can be removed while a thread resolves its name: libcurl neither waits for the thread
    /// (`CURLOPT_QUICK_EXIT`, 7.87.0) nor cancels it.
    package var canAbandonResolution: Bool { version >= 0x07_57_00 && !cancelsResolution }

    /// Whether the resolver threads belong to the multi handle, which joins them when it is freed unless
    /// `CURLMOPT_QUICK_EXIT` is set (8.20.0).
    package var resolvesPerMulti: Bool { version >= 0x08_14_00 }

    /// Whether no transfer may be removed during its name resolution.
    package var mustAwaitResolution: Bool { resolvesOnThreads && !canAbandonResolution }
}
