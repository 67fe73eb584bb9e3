/* Fails or delays writes and syncs of files in one folder. Loaded before the C library.
   ADJOURN_DISK_FOLDER: the folder. ADJOURN_DISK_ORDER: a file with one word: fine, eio, slow. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char word(void) {
  const char *path = getenv("ADJOURN_DISK_ORDER");
  char first = 'f';
  int file = path ? open(path, O_RDONLY) : -1;
  if (file >= 0) {
    if (read(file, &first, 1) != 1) first = 'f';
    close(file);
  }
  return first;
}

static int ours(int fd) {
  const char *folder = getenv("ADJOURN_DISK_FOLDER");
  char link[64], path[4096];
  if (!folder) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0;
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
#define FAILS(fd) (ours(fd) && word() == 'e' ? (errno = EIO, 1) : 0)

ssize_t write(int fd, const void *bytes, size_t length) {
  return FAILS(fd) ? -1 : REAL(write)(fd, bytes, length);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  return FAILS(fd) ? -1 : REAL(pwrite)(fd, bytes, length, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  return FAILS(fd) ? -1 : REAL(pwrite64)(fd, bytes, length, at);
}

static int sync_as_ordered(int fd, int (*real)(int)) {
  if (ours(fd)) {
    switch (word()) {
    case 'e': errno = EIO; return -1;
    case 's': sleep(5); break;
    default: break;
    }
  }
  return real(fd);
}
int fsync(int fd) { return sync_as_ordered(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_as_ordered(fd, REAL(fdatasync)); }
