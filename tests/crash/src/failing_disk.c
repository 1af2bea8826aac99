/* A disk that fails when it is told to, for the files whose name holds `till.db`: loaded before the C library, so that what
 * the database asks of the system comes here first. The file that TILLBOX_DISK names says how: `full` (no byte is written),
 * `sync` (what was written cannot be made durable), `readonly` (the file system was turned read only). Nothing: all is well. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int is(int fd, const char *how) {
    char link[64], path[4096], told[16] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (!strstr(path, "till.db")) return 0;
    const char *teller = getenv("TILLBOX_DISK");
    int file = teller ? open(teller, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    ssize_t got = read(file, told, sizeof told - 1);
    close(file);
    return got > 0 && strncmp(told, how, strlen(how)) == 0;
}

static int refused(int fd) {
    if (is(fd, "full")) return ENOSPC;
    if (is(fd, "readonly")) return EROFS;
    return 0;
}

#define UNLESS_REFUSED(call) do { int why = refused(fd); if (why) { errno = why; return -1; } return (call); } while (0)

ssize_t write(int fd, const void *from, size_t size) { UNLESS_REFUSED(syscall(SYS_write, fd, from, size)); }
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
    UNLESS_REFUSED(syscall(SYS_pwrite64, fd, from, size, at));
}
ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    UNLESS_REFUSED(syscall(SYS_pwrite64, fd, from, size, at));
}

#define UNLESS_FAILING(call) do { if (is(fd, "sync")) { errno = EIO; return -1; } return (call); } while (0)

int fsync(int fd) { UNLESS_FAILING(syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { UNLESS_FAILING(syscall(SYS_fdatasync, fd)); }
