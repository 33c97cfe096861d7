// Faults of links: toxics of their proxies, and links that are down.

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/fault/site/fault.h"
#include "lib/base/suggest.h"

namespace assay::fault {

namespace {

using base::ErrorCode;

constexpr base::Duration kProbeTime = std::chrono::seconds(2);

/// Whether somebody accepts connections there.
net::Task<bool> Accepts(std::string listen) {
  const auto where = ParseHostAndPort(listen);
  if (!where) co_return false;
  const bool any = where->host == "::" || where->host == "0.0.0.0";
  const auto connected = co_await net::Connect(any ? "127.0.0.1" : where->host, where->port,
                                               base::Deadline::After(kProbeTime));
  co_return connected.has_value();
}

class LinkDown final : public Fault {
 public:
  LinkDown(ProxySet& links, Proxy& link) : links_(links), link_(link) {}

  std::string target() const override { return link_.name(); }
  std::string Describe() const override { return fmt::format("link {} down", link_.name()); }

  net::Task<base::Result<void>> Apply(base::Deadline) override {
    cut_ = link_.traffic().open;
    CO_TRY(co_await links_.Change(link_.name(), link_.listen(), link_.upstream(), false));
    refused_ = !co_await Accepts(link_.listen());
    co_return base::Result<void>();
  }

  net::Task<base::Result<Proof>> Heal(base::Deadline) override {
    CO_TRY(co_await links_.Change(link_.name(), link_.listen(), link_.upstream(), true));
    const bool accepts = co_await Accepts(link_.listen());
    co_return Proof{.shown = accepts,
                    .missing = accepts ? "" : "the link accepts no connection",
                    .facts = {{"accepts", accepts}}};
  }

  Proof Effect() const override {
    return {.shown = refused_,
            .missing = refused_ ? "" : "the link still accepted a connection",
            .facts = {{"connections_cut", cut_}, {"refused", refused_}}};
  }

 private:
  ProxySet& links_;
  Proxy& link_;
  uint64_t cut_ = 0;
  bool refused_ = false;
};

class LinkToxics final : public Fault {
 public:
  LinkToxics(Proxy& link, std::vector<ToxicSpec> toxics)
      : link_(link), toxics_(std::move(toxics)) {}

  std::string target() const override { return link_.name(); }
  std::string Describe() const override {
    std::vector<std::string> types;
    for (const ToxicSpec& toxic : toxics_) types.push_back(toxic.type);
    return fmt::format("{} on link {}", fmt::join(types, ", "), link_.name());
  }

  net::Task<base::Result<void>> Apply(base::Deadline) override {
    for (ToxicSpec toxic : toxics_) {
      // Several faults may use the same type at a time.
      const std::string wanted = toxic.name;
      for (int n = 2; link_.FindToxic(toxic.name) != nullptr; ++n) {
        toxic.name = fmt::format("{}_{}", wanted, n);
      }
      names_.push_back(toxic.name);
      CO_TRY(link_.AddToxic(std::move(toxic)));
    }
    co_return base::Result<void>();
  }

  net::Task<base::Result<Proof>> Heal(base::Deadline) override {
    Proof proof{.shown = true};
    for (const std::string& name : names_) {
      const auto effect = link_.RemoveToxic(name);
      // Somebody else may have removed it: then it is healed as well, but its effect is unknown.
      if (effect) finished_.push_back({name, *effect});
    }
    names_.clear();
    proof.facts["toxics_left"] = link_.toxics().size();
    co_return proof;
  }

  Proof Effect() const override {
    Proof proof;
    boost::json::object toxics;
    const auto add = [&](const std::string& name, const auto& effect) {
      toxics[name] = ToJson(effect);
      proof.shown = proof.shown || effect.connections > 0;
    };
    for (const auto& [name, effect] : finished_) add(name, effect);
    for (const std::string& name : names_) {
      if (const Toxic* toxic = link_.FindToxic(name)) add(name, toxic->effect);
    }
    if (!proof.shown) proof.missing = "no connection through the link was touched";
    proof.facts["toxics"] = std::move(toxics);
    return proof;
  }

 private:
  Proxy& link_;
  std::vector<ToxicSpec> toxics_;
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, fault::Effect>> finished_;
};

}  // namespace

base::Result<std::unique_ptr<Fault>> MakeNetworkFault(const Ground& ground, NetworkFaultSpec spec) {
  std::vector<std::string> names;
  if (ground.links != nullptr) {
    for (const Proxy* link : ground.links->all()) names.push_back(link->name());
    const auto found = ground.links->Find(spec.link);
    if (found && spec.down) return std::make_unique<LinkDown>(*ground.links, **found);
    if (found) return std::make_unique<LinkToxics>(**found, std::move(spec.toxics));
  }
  return base::Fail(
      base::Error{.code = ErrorCode::kNotFound,
                  .message = fmt::format("the environment has no link \"{}\"", spec.link),
                  .hint = names.empty() ? "add `links: {NAME: {to: SERVICE}}` to it"
                                        : base::SuggestionFor(spec.link, names)});
}

}  // namespace assay::fault
