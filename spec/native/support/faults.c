/*
 * Faults of the C library, for LD_PRELOAD, which no answer of a server can cause. The library under test is the one that ships.
 * Only calls of lex_identity_aws itself are changed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int called_by_us(void *caller)
{
  Dl_info info;
  return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "lex_identity_aws");
}

static int setting(const char *name)
{
  const char *value = getenv(name);
  return value ? atoi(value) : 0;
}

/* FAULTS_THREAD=2: the start of the second thread fails after 0.3 s; all others succeed. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
  static int asked;
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");

  if (called_by_us(__builtin_return_address(0)) && __sync_add_and_fetch(&asked, 1) == setting("FAULTS_THREAD")) {
    usleep(300 * 1000);
    return EAGAIN;
  }
  return real(thread, attributes, start, argument);
}

/* FAULTS_LOOKUP=100: a look-up takes 100 ms longer and holds a lock for that time, as glibc's does briefly. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

  if (setting("FAULTS_LOOKUP") && called_by_us(__builtin_return_address(0))) {
    pthread_mutex_lock(&lock);
    usleep(setting("FAULTS_LOOKUP") * 1000);
    pthread_mutex_unlock(&lock);
  }
  return real(node, service, hints, found);
}

/* FAULTS_HANG=/a/folder: while /a/folder/hang exists, as on a file system of the network whose server is away, the stamps of the files
   of that folder are not read. */
int statx(int folder, const char *restrict path, int flags, unsigned int mask, struct statx *restrict found)
{
  int (*real)(int, const char *, int, unsigned int, struct statx *) = dlsym(RTLD_NEXT, "statx");
  const char *hung = getenv("FAULTS_HANG");
  char mark[4096];

  if (hung && path && strncmp(path, hung, strlen(hung)) == 0 && called_by_us(__builtin_return_address(0))) {
    strcat(strcpy(mark, hung), "/hang");
    while (access(mark, F_OK) == 0)
      usleep(20 * 1000);
  }
  return real(folder, path, flags, mask, found);
}

/* FAULTS_CRYPTO=100: AWS-LC holds each of its static locks 100 ms longer, as in a thread that the system stops meanwhile. */
int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
  int (*real)(pthread_rwlock_t *) = dlsym(RTLD_NEXT, "pthread_rwlock_wrlock");
  int error = real(lock);

  if (setting("FAULTS_CRYPTO") && called_by_us(__builtin_return_address(0)))
    usleep(setting("FAULTS_CRYPTO") * 1000);
  return error;
}
