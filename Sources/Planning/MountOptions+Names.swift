extension MountOptions {
    /// The options that a mount of every type may have: config.md, "Linux mount options".
    package static var names: [String] {
        [
            "async", "atime", "bind", "copy-symlink", "defaults", "dest-nofollow", "dev",
            "diratime", "dirsync", "exec", "idmap", "iversion", "lazytime", "loud", "mand", "noatime", "nodev",
            "nodiratime", "noexec", "noiversion", "nolazytime", "nomand", "norelatime", "nostrictatime", "nosuid",
            "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime", "remount", "rexec", "ridmap",
            "rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow",
            "ro", "rprivate", "rrelatime", "rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid", "rsymfollow",
            "runbindable", "rw", "shared", "silent", "slave", "src-nofollow", "strictatime", "suid", "symfollow",
            "sync", "tmpcopyup", "unbindable",
        ]
    }
}
