# SPDX-License-Identifier: Apache-2.0
"""filtered.py FILE PROGRAM [ARGUMENT...]: runs a program that the kernel kills at the first system
call that is not in FILE (one name a line), and at what MemoryDenyWriteExecute= and
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 forbid."""
import ctypes
import os
import sys

KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000
MASKED_EQ, EQ = 7, 4
PROT_WRITE, PROT_EXEC = 2, 4


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


# Calls that are allowed with some arguments only: one rule for each way.
WITH_ARGUMENTS = {
    "socket": [Compare(0, EQ, family, 0) for family in (1, 2, 10)],
    "mmap": [Compare(2, MASKED_EQ, PROT_WRITE | PROT_EXEC, prot) for prot in (0, PROT_WRITE, PROT_EXEC)],
    "mprotect": [Compare(2, MASKED_EQ, PROT_EXEC, 0)],
    "pkey_mprotect": [Compare(2, MASKED_EQ, PROT_EXEC, 0)],
}


def main():
    lib = ctypes.CDLL("libseccomp.so.2")
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_init.argtypes = [ctypes.c_uint32]
    lib.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
                                           ctypes.POINTER(Compare)]
    lib.seccomp_load.argtypes = [ctypes.c_void_p]
    filter_ = lib.seccomp_init(KILL_PROCESS)
    with open(sys.argv[1], encoding="ascii") as f:
        names = f.read().split()
    for name in names:
        number = lib.seccomp_syscall_resolve_name(name.encode())
        for rule in WITH_ARGUMENTS.get(name, [None]):
            array = (Compare * 1)(rule) if rule else None
            # Calls of other architectures have negative numbers.
            if number >= 0 and lib.seccomp_rule_add_array(filter_, ALLOW, number, 1 if rule else 0, array):
                sys.exit(f"filtered.py: no rule for {name}")
    if lib.seccomp_load(filter_):
        sys.exit("filtered.py: the kernel does not take the filter")
    os.execv(sys.argv[2], sys.argv[2:])


main()
