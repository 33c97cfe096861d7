#include "assay/cli/onboard/completion.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cli/cli.h"
#include "assay/cli/onboard/onboard_commands.h"
#include "assay/cli/project.h"

namespace assay::cli {
namespace {

/// Inside '...' of a shell.
std::string Quote(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "'" + out + "'";
}

std::string Names(const OptionDescription& option) {
  return fmt::format("{}", fmt::join(option.names, " "));
}

std::string Bash(const std::vector<CommandDescription>& commands) {
  std::string words;
  std::string cases;
  std::string values;
  for (const CommandDescription& command : commands) {
    words += (words.empty() ? "" : " ") + command.name;
    std::string names;
    for (const OptionDescription& option : command.options) {
      names += (names.empty() ? "" : " ") + Names(option);
      if (option.choices.empty()) continue;
      values +=
          fmt::format("    {}:{}) COMPREPLY=($(compgen -W {} -- \"$word\")); return ;;\n",
                      command.name, fmt::join(option.names, fmt::format("|{}:", command.name)),
                      Quote(fmt::format("{}", fmt::join(option.choices, " "))));
    }
    std::string choices;
    for (const OptionDescription& one : command.arguments)
      choices += fmt::format(" {}", fmt::join(one.choices, " "));
    cases += fmt::format("    {}) options={} ;;\n", command.name, Quote(names + choices));
  }
  return fmt::format(R"sh(# Completion of assay for bash: eval "$(assay completion bash)"
_assay() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} options=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W {} -- "$word"))
    return
  fi
  case $command:$before in
{}  esac
  case $command in
{}  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options --help" -- "$word"))
  else
    COMPREPLY=($(compgen -W "$(printf '%s\n' $options | grep -v '^-')" -- "$word") $(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _assay assay
)sh",
                     Quote(words), values, cases);
}

/// Characters that mean something in a specification of _arguments.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string Zsh(const std::vector<CommandDescription>& commands) {
  std::string list;
  std::string cases;
  for (const CommandDescription& command : commands) {
    list +=
        fmt::format("    {}\n", Quote(fmt::format("{}:{}", command.name, ZshText(command.doc))));
    std::string specs;
    for (const OptionDescription& option : command.options) {
      for (const std::string& name : option.names) {
        const std::string values =
            option.choices.empty() ? "_files" : fmt::format("({})", fmt::join(option.choices, " "));
        specs += fmt::format(
            " \\\n        {}",
            Quote(fmt::format("*{}[{}]{}", name, ZshText(option.doc),
                              option.has_value ? fmt::format(":value:{}", values) : "")));
      }
    }
    for (const OptionDescription& one : command.arguments) {
      const std::string values =
          one.choices.empty() ? "_files" : fmt::format("({})", fmt::join(one.choices, " "));
      specs +=
          fmt::format(" \\\n        {}", Quote(fmt::format("::{}:{}", one.names.front(), values)));
    }
    cases += fmt::format("      {}) _arguments{} ;;\n", command.name,
                         specs.empty() ? " '*:file:_files'" : specs);
  }
  return fmt::format(R"sh(#compdef assay
# Completion of assay for zsh: eval "$(assay completion zsh)"
_assay() {{
  local -a commands
  commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
}}
compdef _assay assay
)sh",
                     list, cases);
}

std::string Fish(const std::vector<CommandDescription>& commands) {
  std::string out = "# Completion of assay for fish: assay completion fish | source\n";
  for (const CommandDescription& command : commands) {
    out += fmt::format("complete -c assay -n __fish_use_subcommand -f -a {} -d {}\n", command.name,
                       Quote(command.doc));
    const std::string condition =
        Quote(fmt::format("__fish_seen_subcommand_from {}", command.name));
    for (const OptionDescription& option : command.options) {
      std::string names;
      for (const std::string& name : option.names)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      std::string value = option.has_value ? " -r" : "";
      if (!option.choices.empty())
        value = fmt::format(" -x -a {}", Quote(fmt::format("{}", fmt::join(option.choices, " "))));
      out += fmt::format("complete -c assay -n {}{}{} -d {}\n", condition, names, value,
                         Quote(option.doc));
    }
    for (const OptionDescription& one : command.arguments) {
      if (!one.choices.empty())
        out += fmt::format("complete -c assay -n {} -f -a {}\n", condition,
                           Quote(fmt::format("{}", fmt::join(one.choices, " "))));
    }
  }
  return out;
}

std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  // A line that begins with a dot or an apostrophe would be a request.
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string ArgumentsOf(const CommandDescription& command) {
  std::string out;
  for (const OptionDescription& one : command.arguments) {
    std::string name = one.names.front();
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    out += one.required ? " " + name : fmt::format(" [{}]", name);
  }
  return out;
}

}  // namespace

base::Result<std::string> CompletionScript(const std::string& shell,
                                           const std::vector<CommandDescription>& commands) {
  if (shell == "bash") return Bash(commands);
  if (shell == "zsh") return Zsh(commands);
  if (shell == "fish") return Fish(commands);
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("unknown shell \"{}\", expected bash, zsh or fish", shell));
}

std::string ManualPage(const std::vector<CommandDescription>& commands, std::string_view version) {
  std::string out = fmt::format(
      ".TH ASSAY 1 \"\" \"assay {}\" \"User Commands\"\n.SH NAME\nassay \\- tests systems: it runs "
      "scenarios, keeps what "
      "happened, and judges it\n.SH SYNOPSIS\n.B assay\n.I command\n[\\fIoptions\\fR]\n.SH "
      "COMMANDS\n",
      version);
  for (const CommandDescription& command : commands) {
    out += fmt::format(".SS {}{}\n{}\n", Roff(command.name), Roff(ArgumentsOf(command)),
                       Roff(command.doc));
    for (const OptionDescription& one : command.arguments) {
      out += fmt::format(".TP\n.I {}\n{}\n", Roff(one.names.front()), Roff(one.doc));
    }
    for (const OptionDescription& option : command.options) {
      out +=
          fmt::format(".TP\n.BR {}{}\n{}\n", Roff(fmt::format("{}", fmt::join(option.names, ", "))),
                      option.has_value ? " \" value\"" : "", Roff(option.doc));
    }
  }
  out +=
      ".SH EXIT STATUS\n.TP\n.B 0\nall passed\n.TP\n.B 1\nwrong usage\n.TP\n.B 2\nfiles do not "
      "load\n.TP\n.B 3\nenvironment or engine error\n"
      ".TP\n.B 4\nan expectation, threshold or gate failed\n.TP\n.B 5\nnothing failed, something "
      "was inconclusive\n.TP\n.B 130\ninterrupted\n";
  return out;
}

std::string CommandReference(const std::vector<CommandDescription>& commands) {
  std::string out =
      "# Commands\n\nMade from the table of commands; `assay COMMAND --help` shows the same.\n";
  for (const CommandDescription& command : commands) {
    std::string doc = command.doc;
    if (!doc.empty()) doc[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(doc[0])));
    out += fmt::format("\n## assay {}{}\n\n{}.\n", command.name, ArgumentsOf(command), doc);
    if (command.arguments.empty() && command.options.empty()) continue;
    out += "\n| option | meaning |\n|---|---|\n";
    for (const auto* list : {&command.arguments, &command.options}) {
      for (const OptionDescription& one : *list) {
        std::string meaning = one.doc;
        if (!one.choices.empty() && !meaning.contains(one.choices.front()))
          meaning += fmt::format(" ({})", fmt::join(one.choices, ", "));
        for (size_t at = 0; (at = meaning.find('|', at)) != std::string::npos; at += 2)
          meaning.insert(at, "\\");
        out += fmt::format("| `{}{}` | {} |\n", fmt::join(one.names, "`, `"),
                           one.has_value && one.names.front().starts_with('-') ? " VALUE" : "",
                           meaning);
      }
    }
  }
  return out;
}

ExitCode CompletionCommand(const Invocation& invocation, const Host& host) {
  const auto commands = DescribeCommands();
  if (invocation.shell == "man") {
    host.out(ManualPage(commands, kVersion));
    return ExitCode::kPassed;
  }
  if (invocation.shell == "markdown") {
    host.out(CommandReference(commands));
    return ExitCode::kPassed;
  }
  const auto script = CompletionScript(invocation.shell, commands);
  if (!script) {
    PrintError(script.error(), host, invocation.no_color);
    return ExitCode::kUsage;
  }
  host.out(*script);
  return ExitCode::kPassed;
}

}  // namespace assay::cli
