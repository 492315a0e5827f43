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
#include <sys/wait.h>
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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t last;

/* Called in each of the rounds of destructors, of which there are four. */
static void in_last_round(void *round)
{
  if ((long)round < 4) {
    pthread_setspecific(last, (void *)((long)round + 1));
    return;
  }
  pthread_mutex_lock(&lock);
  usleep(setting("FAULTS_END") * 1000);
  pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void make_key(void) { pthread_key_create(&last, in_last_round); }

struct start {
  void *(*routine)(void *);
  void *argument;
};

static void *start_with_end(void *given)
{
  struct start start = *(struct start *)given;

  free(given);
  pthread_setspecific(last, (void *)1);
  return start.routine(start.argument);
}

/* FAULTS_THREAD=2: the start of the second thread fails after 0.3 s; all others succeed.
   FAULTS_END=100: a thread that ends takes the lock of the look-ups for 100 ms after all other destructors, as glibc's does briefly. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
  static int asked;
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");

  if (called_by_us(__builtin_return_address(0)) && __sync_add_and_fetch(&asked, 1) == setting("FAULTS_THREAD")) {
    usleep(300 * 1000);
    return EAGAIN;
  }
  if (setting("FAULTS_END") && called_by_us(__builtin_return_address(0))) {
    struct start *with_end = malloc(sizeof *with_end);
    *with_end = (struct start){start, argument};
    return real(thread, attributes, start_with_end, with_end);
  }
  return real(thread, attributes, start, argument);
}

/* Returns when the file is gone. Meanwhile the thread uses the CPU, or waits in the state of one that waits for a disk. */
static void wait_for_end_of(const char *file, int on_cpu)
{
  pid_t child;

  if (on_cpu)
    while (access(file, F_OK) == 0)
      ;
  else if ((child = vfork()) == 0) { /* the kernel lets the thread wait until the child has ended */
    while (access(file, F_OK) == 0)
      usleep(1000);
    _exit(0);
  } else
    waitpid(child, NULL, 0);
}

/* FAULTS_LOOKUP=100: a look-up takes 100 ms longer and holds a lock for that time, as glibc's does briefly.
   FAULTS_CPU=/a/file, FAULTS_DISK=/a/file: it takes as long as the file exists. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

  const char *cpu = getenv("FAULTS_CPU"), *disk = getenv("FAULTS_DISK");

  if ((setting("FAULTS_LOOKUP") || cpu || disk) && called_by_us(__builtin_return_address(0))) {
    pthread_mutex_lock(&lock);
    if (cpu || disk)
      wait_for_end_of(cpu ? cpu : disk, cpu != NULL);
    else
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
