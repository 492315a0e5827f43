/*
 * Trouble that no request can make, for LD_PRELOAD: the library under test is the one that ships, and it is the C library below
 * it that misbehaves. Only what lex_identity_aws itself asks for is touched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int asked_by_us(void *caller)
{
  Dl_info info;
  return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "lex_identity_aws");
}

static int setting(const char *name)
{
  const char *value = getenv(name);
  return value ? atoi(value) : 0;
}

/* FAULTS_THREAD=2: the second thread that is asked for cannot be started, which takes 0.3 s to tell; all others can. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
  static int asked;
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");

  if (asked_by_us(__builtin_return_address(0)) && __sync_add_and_fetch(&asked, 1) == setting("FAULTS_THREAD")) {
    usleep(300 * 1000);
    return EAGAIN;
  }
  return real(thread, attributes, start, argument);
}

/* FAULTS_LOOKUP=100: a look-up takes 100 ms more, and holds a lock all the while, as glibc's does for a moment. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

  if (setting("FAULTS_LOOKUP") && asked_by_us(__builtin_return_address(0))) {
    pthread_mutex_lock(&lock);
    usleep(setting("FAULTS_LOOKUP") * 1000);
    pthread_mutex_unlock(&lock);
  }
  return real(node, service, hints, found);
}
