// SPDX-License-Identifier: Apache-2.0
// nswarden history: what containers did, from the history's file. Works beside the daemon and
// without it.
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "store/history.h"
#include "store/render.h"
#include "store/when.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

struct Options {
  std::string file = "/var/lib/nswarden/history.db";
  store::Format format = store::Format::kTable;
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

Status Print(Options& options) {
  store::Filter& filter = options.filter;
  if (auto read = ReadTime("--since", options.since, filter.since_ns); !read) return read;
  if (auto read = ReadTime("--until", options.until, filter.until_ns); !read) return read;
  bool first = true;
  const auto put = [](const std::string& text) {
    return fwrite(text.data(), 1, text.size(), stdout) == text.size();
  };
  const auto print = [&](const store::Row& row) {  // false, and so the end, when nobody reads
    if (std::exchange(first, false)) put(store::RenderHeader(options.format, filter.alerts_only));
    return put(store::Render(options.format, row, filter.alerts_only));
  };
  if (auto done = store::Visit(options.file, filter, print); !done) return done;
  if (first) fputs("nothing in the history fits\n", stderr);
  return {};
}

void AddFilters(CLI::App& verb, Options& options) {
  store::Filter& filter = options.filter;
  const std::pair<const char*, std::pair<std::string*, const char*>> texts[] = {
      {"--since", {&options.since, "from: 30s, 10m, 1h, 2d ago, RFC 3339, or 'YYYY-MM-DD HH:MM'"}},
      {"--until", {&options.until, "up to: as --since"}},
      {"--container", {&filter.container, "name, id or beginning of an id"}},
      {"--image", {&filter.image, "image: nginx is docker.io/library/nginx with any tag"}},
      {"--event", {&filter.event, "event (open) or its type (openat)"}},
      {"--process", {&filter.process, "name or path of the program"}},
      {"--path", {&filter.path, "file; * matches / too"}},
      {"--address", {&filter.address, "IP, CIDR, IP:PORT or :PORT"}},
      {"--rule", {&filter.rule, "rule that gave the verdict or the alert"}},
  };
  for (const auto& [flag, option] : texts) verb.add_option(flag, *option.first, option.second);
  verb.add_option("--verdict", filter.verdict, "denied or would_deny")
      ->check(CLI::IsMember({"denied", "would_deny"}));
  verb.add_flag("--alerts", filter.alerts_only, "alerts instead of events");
  verb.add_option("--limit", filter.limit, "newest rows; 0: all")->capture_default_str();
}

}  // namespace

void AddHistory(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("history", "What containers did, oldest first");
  const std::map<std::string, store::Format> formats{{"table", store::Format::kTable},
                                                     {"json", store::Format::kJson},
                                                     {"csv", store::Format::kCsv}};
  verb->add_option("--history", options->file, "file of the history")->capture_default_str();
  verb->add_option("--output", options->format, "table, json (a line a row) or csv")
      ->transform(CLI::CheckedTransformer(formats));
  AddFilters(*verb, *options);
  verb->footer(
      "Texts with * or ? are patterns. A row is one act, or COUNT like ones of one minute.");
  verb->callback([options, &status] {
    if (const Status printed = Print(*options); !printed) {
      fprintf(stderr, "nswarden history: %s\n", printed.error().message.c_str());
      status = 1;
    }
  });
}

}  // namespace nsw::tools
