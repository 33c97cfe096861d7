#pragma once
// The command line as data.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/cli/baseline/compare_request.h"
#include "assay/cli/load/load_request.h"
#include "assay/plan/resolve.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::cli {

enum class Command {
  kHelp,
  kRun,
  kLoad,
  kCheck,
  kList,
  kSchema,
  kReplay,
  kVerify,
  kReport,
  kTrace,
  kVersion,
  kEval,
  kKeygen,
  kUp,
  kStatus,
  kLogs,
  kDown,
  kDoctor,
  kInit,
  kImport,
  kRecord,
  kCompletion,
  kProxy,
  kShrink,
  kCompare,
  kHistory,
  kMerge,
};

/// Which scenarios; every condition must hold, each holds when one of its values fits.
struct Choice {
  std::vector<std::string> paths;  ///< files or folders
  std::vector<std::string> suites;
  std::vector<std::string> filters;  ///< globs of ids
  std::vector<std::string> tags;
  std::vector<std::string> categories;
  std::vector<std::string> priorities;
  std::vector<std::string> verifies;
  std::vector<std::string> exclude;  ///< globs of ids
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Invocation {
  Command command = Command::kHelp;
  std::string help;  ///< of kHelp
  std::string project;
  bool json = false;
  bool no_color = false;
  bool verbose = false;
  Choice choice;

  // run
  std::string environment;
  std::optional<int64_t> jobs;
  std::optional<uint64_t> seed;
  std::optional<plan::Shard> shard;  ///< run, load
  bool fail_fast = false;
  bool keep_work = false;
  bool interactive = false;
  std::string signing_key;  ///< file of `assay keygen`; "": not signed
  std::optional<int64_t> retries;
  std::optional<base::Duration> timeout;
  Pairs vars;
  Pairs urls;  ///< endpoint ("" is the default one), URL
  std::string results;
  std::vector<std::string> reports;

  LoadRequest load;
  CompareRequest compare;
  HistoryRequest history;

  bool use_up = false;     ///< run: in the environment that `assay up` started
  std::string fault_plan;  ///< run: file that `assay shrink` wrote; "": steps draw their own

  // shrink
  int64_t tries = 40;
  int64_t repeat = 1;

  // logs
  std::string service;
  bool follow = false;
  std::optional<int64_t> tail;  ///< lines; absent: all

  // replay, verify, report, trace
  std::string run;  ///< directory or name; "": the latest
  std::string key;  ///< file with a public key, or its 64 digits; keygen: the file to make
  bool allow_changed = false;
  std::string html;
  bool fail_uncovered = false;

  std::vector<std::string> shards;  ///< merge: directories

  // schema, eval
  std::string kind;
  bool reference = false;
  std::string expression;
  std::string data_file;

  // init, import, record, completion
  std::string out;         ///< init: folder; record: scenario file
  std::string name;        ///< of the project or suite; "": from the file or folder
  std::string format;      ///< openapi, postman, har, curl
  std::string input_file;  ///< "-": standard input
  bool each_operation = false;
  bool force = false;  ///< replaces files; compare: in spite of differences
  std::string listen;
  std::string upstream;
  size_t requests = 0;  ///< record: ends after so many; 0: with an interrupt
  bool insecure = false;
  std::string shell;

  // proxy
  std::string host = "localhost";
  uint16_t port = 8474;
  std::string config;  ///< JSON file with a list of proxies
};

/// Arguments without the program's name. kInvalid with a usage message.
base::Result<Invocation> ParseArguments(const std::vector<std::string>& arguments);

struct OptionDescription {
  std::vector<std::string> names;  ///< `--env`, `-v`; of an argument its name
  std::string doc;
  bool has_value = false;
  bool required = false;
  std::vector<std::string> choices;  ///< the only values; empty: any
};

struct CommandDescription {
  std::string name;
  std::string doc;
  std::vector<OptionDescription> arguments;
  std::vector<OptionDescription> options;
};

/// The table that ParseArguments reads, for completion and documentation.
std::vector<CommandDescription> DescribeCommands();

}  // namespace assay::cli
