// SPDX-License-Identifier: Apache-2.0
// nswarden history: what containers did, from the history's file. Works beside the daemon and
// without it.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/clock.h"
#include "store/history.h"
#include "store/match.h"
#include "store/render.h"
#include "store/when.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

struct Options {
  std::string file = "/var/lib/nswarden/history.db";
  std::string output = "table";
  std::string since, until;
  store::Filter filter;
};

// Empty texts leave `out` alone.
Status ReadTime(const char* flag, const std::string& text, std::optional<uint64_t>& out) {
  if (text.empty()) return {};
  const auto time = store::ParseWhen(text, SystemClock().RealNs());
  if (!time) return Fail(std::string(flag) + ": " + time.error().message);
  out = *time;
  return {};
}

// What is wrong with what was typed, before any file is opened.
Status ReadFilters(Options& options) {
  store::Filter& filter = options.filter;
  if (auto read = ReadTime("--since", options.since, filter.since_ns); !read) return read;
  if (auto read = ReadTime("--until", options.until, filter.until_ns); !read) return read;
  if (filter.since_ns && filter.until_ns && *filter.since_ns > *filter.until_ns) {
    return Fail("--since is later than --until");
  }
  if (!filter.event.empty()) {
    if (const auto known = store::CheckEventFilter(filter.event); !known)
      return Fail("--event: " + known.error().message);
  }
  if (filter.address.empty()) return {};
  const auto address = store::ParseAddressFilter(filter.address);
  return address ? Status() : Fail("--address: " + address.error().message);
}

// An empty text would filter nothing, and is more often a shell's variable that was not set.
std::string NotEmpty(const std::string& text) {
  return text.empty() ? "the text is empty; leave the option out for all" : "";
}

std::string Count(const std::string& text) {
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  return digits && !text.empty() && text.size() <= 18 ? "" : text + " is no number of rows";
}

store::Format FormatOf(const std::string& output) {
  if (output == "json") return store::Format::kJson;
  return output == "csv" ? store::Format::kCsv : store::Format::kTable;
}

Status Print(const Options& options) {
  const store::Filter& filter = options.filter;
  const store::Format format = FormatOf(options.output);
  bool first = true;
  const auto put = [](const std::string& text) {
    return fwrite(text.data(), 1, text.size(), stdout) == text.size();
  };
  const auto print = [&](const store::Row& row) {  // false, and so the end, when nobody reads
    if (std::exchange(first, false)) put(store::RenderHeader(format, filter.alerts_only));
    return put(store::Render(format, row, filter.alerts_only));
  };
  if (auto done = store::Visit(options.file, filter, print); !done) return done;
  if (first) fputs("nothing in the history fits\n", stderr);
  return {};
}

void AddFilters(CLI::App& verb, Options& options) {
  store::Filter& filter = options.filter;
  const std::pair<const char*, std::pair<std::string*, const char*>> texts[] = {
      {"--since",
       {&options.since, "from: so long ago (30s, 10m, 1h, 2d), RFC 3339, or 'YYYY-MM-DD HH:MM'"}},
      {"--until", {&options.until, "up to: as --since"}},
      {"--container", {&filter.container, "name, id or an id's first 4 letters or more"}},
      {"--image", {&filter.image, "image: nginx is docker.io/library/nginx with any tag"}},
      {"--event", {&filter.event, "event (open) or its type (openat)"}},
      {"--process", {&filter.process, "name or path of the program"}},
      {"--path", {&filter.path, "file; * matches / too"}},
      {"--address", {&filter.address, "IP, CIDR, IP:PORT or :PORT"}},
      {"--rule", {&filter.rule, "rule that gave the verdict or the alert"}},
  };
  for (const auto& [flag, option] : texts) {
    verb.add_option(flag, *option.first, option.second)->check(NotEmpty);
  }
  verb.add_option("--verdict", filter.verdict, "denied, killed or would_deny")
      ->check(CLI::IsMember({"denied", "killed", "would_deny"}));
  verb.add_flag("--alerts", filter.alerts_only, "alerts instead of events");
  verb.add_option("--limit", filter.limit, "newest rows; 0: all")
      ->check(Count)
      ->capture_default_str();
}

}  // namespace

void AddHistory(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("history", "show what containers did, oldest first");
  verb->add_option("--history", options->file, "file of the history")->capture_default_str();
  verb->add_option("--output", options->output, "table, json (a line a row) or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  AddFilters(*verb, *options);
  verb->footer(
      "Texts with * or ? are patterns. A row is one act, or COUNT like ones of one minute.\n"
      "In csv a text that a spreadsheet would take for a formula has a ' before it.");
  verb->callback([options, &status] {
    Status done = ReadFilters(*options);
    status = done ? 0 : 2;
    if (done && !(done = Print(*options))) status = 1;
    if (!done) fprintf(stderr, "nswarden history: %s\n", done.error().message.c_str());
  });
}

}  // namespace nsw::tools
