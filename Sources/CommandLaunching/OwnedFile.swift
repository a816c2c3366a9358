#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Files and directories that no other user can have made or changed.
enum OwnedFile {
    /// What has the name of a file, and is no file that this user alone made.
    enum Refusal: Error, Equatable, CustomStringConvertible {
        case symbolicLink
        case notRegular
        case ofOtherUser(uid_t)
        case otherName

        /// What is wrong with it: "is a symbolic link".
        var description: String {
            switch self {
            case .symbolicLink: "is a symbolic link"
            case .notRegular: "is no regular file"
            case .ofOtherUser(let user): "belongs to another user (\(user))"
            case .otherName: "has another name besides"
            }
        }
    }

    /// Opens a regular file of this user. Whatever else has its name is refused: it is not followed, not changed and not
    /// waited for.
    ///
    /// - Parameter allowsOtherNames: Whether the file may have a second name, a hard link: for one that is only read.
    /// - Throws: ``Refusal``, or ``SystemError``.
    static func open(_ path: String, _ flags: Int32, allowsOtherNames: Bool = false) throws -> OpenFile {
        let file: OpenFile
        do {
            file = try OpenFile(path, flags | O_NOFOLLOW | O_NONBLOCK)
        } catch SystemError(code: ELOOP) {
            throw Refusal.symbolicLink
        } catch SystemError(code: ENXIO), SystemError(code: EISDIR) {
            // A FIFO without a reader, a device without its driver, a directory.
            throw Refusal.notRegular
        }
        do {
            var status = stat()
            guard fstat(file.descriptor, &status) == 0 else { throw SystemError.last }
            guard status.st_mode & S_IFMT == S_IFREG else { throw Refusal.notRegular }
            guard status.st_uid == geteuid() else { throw Refusal.ofOtherUser(status.st_uid) }
            guard status.st_nlink <= 1 || allowsOtherNames else { throw Refusal.otherName }
            // A process that inherits the file expects one that blocks.
            let flags = fcntl(file.descriptor, F_GETFL)
            if flags >= 0 { _ = fcntl(file.descriptor, F_SETFL, flags & ~O_NONBLOCK) }
            return file
        } catch {
            file.close()
            throw error
        }
    }
}

/// Checks who can change the files in a directory.
enum TrustedDirectory {
    /// What is wrong with a directory in which only this process may create files, or `nil`.
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

    /// What is wrong with a directory that has files of this process and of others, or `nil`. One that everybody can write
    /// to needs the sticky bit: then no user can remove or replace the files of another.
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
        // Many systems give each user a group of their own, with the same number.
        let isGroupOfOthers = status.st_gid != status.st_uid
        let others = status.st_mode & S_IWOTH != 0 || (status.st_mode & S_IWGRP != 0 && isGroupOfOthers)
        guard others else { return nil }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        return "others can write to it (its mode is \(mode)): make that 700"
    }
}
