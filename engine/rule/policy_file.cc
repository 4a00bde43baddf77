// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/policy_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/base/trust.h"
#include "engine/base/unique_fd.h"

namespace nsw::rule {
namespace {

namespace fs = std::filesystem;

// Whether to go on with `what`, the file or directory `path`, of which `why` says why it is not to
// be trusted.
bool Trust(const std::string& what, const fs::path& path, const std::string& why,
           const LoadOptions& options, Diagnostics& diagnostics) {
  if (why.empty()) return true;
  if (options.check_owner) {
    diagnostics.FileError(path, what + " is not trusted: " + why, kTrustHint);
  } else if (options.warn_owner) {
    diagnostics.FileWarning(path, what + " will not be trusted: " + why, kTrustHint);
  }
  return !options.check_owner;
}

bool TrustDirectory(const fs::path& directory, const LoadOptions& options,
                    Diagnostics& diagnostics) {
  return Trust("the directory", directory, DistrustDirectory(directory), options, diagnostics);
}

std::vector<fs::path> ListDirectory(const fs::path& directory, Diagnostics& diagnostics) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    const bool hidden = path.filename().string().starts_with('.');
    if (!hidden && (path.extension() == ".yaml" || path.extension() == ".yml"))
      files.push_back(path);
  }
  if (error) diagnostics.FileError(directory, "cannot be listed: " + error.message());
  std::ranges::sort(files);
  return files;
}

std::string WhatIs(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  return S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

// Bytes of an open file, at most one more than the limit.
bool ReadAll(int fd, std::string& out) {
  std::array<char, 65536> chunk;
  while (out.size() <= kPolicyFileMax) {
    const ssize_t n = read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
    out.append(chunk.data(), static_cast<size_t>(n));
  }
  return true;
}

// Length of the UTF-8 character at `at`; 0 if there is none (overlong, a surrogate, cut short, too
// large).
size_t CharacterLength(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return length;
}

// Control characters that YAML does not allow; a NUL would end texts early somewhere.
bool IsForbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

}  // namespace

std::vector<fs::path> ListPolicyFiles(const std::vector<fs::path>& paths,
                                      const LoadOptions& options, Diagnostics& diagnostics) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
    } else if (TrustDirectory(path, options, diagnostics)) {
      std::ranges::move(ListDirectory(path, diagnostics), std::back_inserter(files));
    }
  }
  return files;
}

std::optional<std::string> ReadPolicyFile(const fs::path& path, const LoadOptions& options,
                                          Diagnostics& diagnostics) {
  const auto refuse = [&](std::string what, std::string hint = {}) {
    diagnostics.FileError(path, std::move(what), std::move(hint));
    return std::nullopt;
  };
  // O_NONBLOCK: a pipe in its place must not hang the engine.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!fd.valid() || fstat(fd.get(), &status) != 0) {
    return refuse(std::string("cannot be read: ") + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return refuse("not a file but " + WhatIs(status.st_mode));
  if (!Trust("the file", path, Distrust(status), options, diagnostics)) return std::nullopt;
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (!error && !TrustDirectory(real.parent_path(), options, diagnostics)) return std::nullopt;
  std::string text;
  if (!ReadAll(fd.get(), text))
    return refuse(std::string("cannot be read: ") + std::strerror(errno));
  if (text.size() > kPolicyFileMax)
    return refuse("larger than 8 MiB", "split it into several policies");
  return text;
}

bool CheckEncoding(const std::string& file, std::string& text, Diagnostics& diagnostics) {
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    diagnostics.FileError(file, "the file is in UTF-16", "save it as UTF-8");
    return false;
  }
  for (size_t at = 0; at < text.size();) {
    const size_t length = IsForbidden(text[at]) ? 0 : CharacterLength(text, at);
    if (length == 0) {
      const Source source(file, text.substr(0, at));
      const bool control = IsForbidden(text[at]);
      diagnostics.Error(
          {&source, at},
          control ? "a control character (byte " + std::to_string(text[at]) + ")" : "not UTF-8",
          control ? "remove it, or write it as an escape in double quotes"
                  : "save the file as UTF-8");
      return false;
    }
    at += length;
  }
  return true;
}

std::string Sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    return {};
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < length; i++) hex += {kHex[digest[i] >> 4], kHex[digest[i] & 15]};
  return hex;
}

}  // namespace nsw::rule
