// SPDX-License-Identifier: Apache-2.0
// flood: acts of a known number, for the tests of the ledger. Linked statically, so that nothing
// is opened but what is counted here. Exits with 0 when all was done, and prints how much.
//
//   flood open N PATH          opens PATH N times
//   flood mixed N PATH PORT    N rounds: PATH is opened, one that is not there is not,
//   127.0.0.1:PORT
//                              is connected to (nobody listens), and each 100th forks a child
//   flood block N FIFO PATH    N threads sleep in the opening of FIFO, all at once, until a writer
//                              comes; then each opens PATH: 2 N + 1 opens
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

bool Open(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

int Opens(long n, const char* path) {
  for (long i = 0; i < n; i++) {
    if (!Open(path)) return 1;
  }
  printf("open=%ld\n", n);
  return 0;
}

bool Connect(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool refused = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0;
  close(fd);
  return refused;
}

bool Fork() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return child > 0 && waitpid(child, nullptr, 0) == child;
}

int Mixed(long n, const char* path, uint16_t port) {
  long forks = 0;
  for (long i = 0; i < n; i++) {
    if (!Open(path) || Open("/none/there") || !Connect(port)) return 1;
    if (i % 100 != 0) continue;
    if (!Fork()) return 1;
    forks++;
  }
  printf("open=%ld connect=%ld fork=%ld exit=%ld\n", 2 * n, n, forks, forks + 1);
  return 0;
}

struct Sleepers {
  const char* fifo;
  const char* path;
  std::atomic<long> begun{0};
  std::atomic<long> failed{0};
};

void* Sleep(void* argument) {
  auto* all = static_cast<Sleepers*>(argument);
  all->begun++;
  if (!Open(all->fifo) || !Open(all->path)) all->failed++;
  return nullptr;
}

int Block(long n, const char* fifo, const char* path) {
  Sleepers all{.fifo = fifo, .path = path};
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 32768);
  std::vector<pthread_t> threads(static_cast<size_t>(n));
  for (pthread_t& thread : threads) {
    if (pthread_create(&thread, &small, Sleep, &all) != 0) return 1;
  }
  while (all.begun < n) usleep(1000);
  sleep(2);  // from there to its sleep no thread takes so long
  const int writer = open(fifo, O_WRONLY | O_CLOEXEC);
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  close(writer);
  printf("open=%ld\n", 2 * n + 1);
  return writer < 0 || all.failed != 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const long n = atol(argv[2]);
  if (strcmp(argv[1], "open") == 0) return Opens(n, argv[3]);
  if (strcmp(argv[1], "mixed") == 0 && argc > 4)
    return Mixed(n, argv[3], static_cast<uint16_t>(atoi(argv[4])));
  if (strcmp(argv[1], "block") == 0 && argc > 4) return Block(n, argv[3], argv[4]);
  return 2;
}
