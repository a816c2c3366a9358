#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Files and directories that nobody else has had a hand in.
enum OwnedFile {
    /// Something that is in the place of a file, and is not one that this user made.
    struct Refusal: Error, CustomStringConvertible {
        /// What is wrong with it: "is a symbolic link".
        var description: String
    }

    /// Opens a regular file of this user's. Whatever else has its name is refused, without waiting for it, changing it
    /// or following it.
    ///
    /// - Throws: ``Refusal``, or ``SystemError``.
    static func open(_ path: String, _ flags: Int32) throws -> OpenFile {
        let file: OpenFile
        do {
            file = try OpenFile(path, flags | O_NOFOLLOW | O_NONBLOCK)
        } catch SystemError(code: ELOOP) {
            throw Refusal(description: "is a symbolic link")
        } catch SystemError(code: ENXIO), SystemError(code: EISDIR) {
            // A FIFO without a reader, a device without its driver, a directory.
            throw Refusal(description: "is no regular file")
        }
        do {
            var status = stat()
            guard fstat(file.descriptor, &status) == 0 else { throw SystemError.last }
            guard status.st_mode & S_IFMT == S_IFREG else { throw Refusal(description: "is no regular file") }
            guard status.st_uid == geteuid() else {
                throw Refusal(description: "belongs to another user (\(status.st_uid))")
            }
            guard status.st_nlink <= 1 else { throw Refusal(description: "has another name besides") }
            // Who inherits the file need not know how it was opened.
            let flags = fcntl(file.descriptor, F_GETFL)
            if flags >= 0 { _ = fcntl(file.descriptor, F_SETFL, flags & ~O_NONBLOCK) }
            return file
        } catch {
            file.close()
            throw error
        }
    }
}

/// A directory, and who can change what is in it.
enum TrustedDirectory {
    /// What is wrong with a directory in which this process alone is to make files, or `nil`.
    static func problem(withOwn path: String) -> String? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return "\(SystemError.last)" }
        if status.st_mode & S_IFMT == S_IFLNK { return "it is a symbolic link" }
        guard status.st_mode & S_IFMT == S_IFDIR else { return "it is no directory" }
        guard status.st_uid == geteuid() else {
            return "it belongs to another user (\(status.st_uid), and this process runs as \(geteuid()))"
        }
        return writers(status)
    }

    /// What is wrong with a directory in which files of this process lie among others, or `nil`. One that is for
    /// everybody is well when it has the sticky bit: there nobody can take away or replace what others have made.
    static func problem(withShared path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return "\(SystemError.last)" }
        guard status.st_mode & S_IFMT == S_IFDIR else { return "it is no directory" }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            return "it belongs to another user (\(status.st_uid), and this process runs as \(geteuid()))"
        }
        return status.st_mode & S_ISVTX != 0 ? nil : writers(status)
    }

    private static func writers(_ status: stat) -> String? {
        // A group of the user's own, with the user's number, is what many systems give by default.
        let isGroupOfOthers = status.st_gid != status.st_uid
        let others = status.st_mode & S_IWOTH != 0 || (status.st_mode & S_IWGRP != 0 && isGroupOfOthers)
        guard others else { return nil }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        return "others can write to it (its mode is \(mode)): make that 700"
    }
}
