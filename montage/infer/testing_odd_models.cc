// Writes models for tests into the folder of its argument: good ones, and all that a model must not
// be. C++17, as libtorch's headers are.

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

namespace {

constexpr const char* kCard =
    R"({"name":"odd","version":"1","rate_hz":100,"window_s":2,"channels":["Fp1","Cz","O1"],)"
    R"("output":"probability"})";

std::string Forward(const std::string& body) { return "def forward(self, x):\n" + body; }

void Write(const std::string& folder, const std::string& name, const std::string& code,
           const std::string& card = kCard) {
  torch::jit::Module module("Odd");
  module.register_parameter("weight", at::ones({3}), false);
  module.define(code);
  torch::jit::ExtraFilesMap extra;
  if (!card.empty()) extra["montage.json"] = card;
  module.save(folder + "/" + name + ".pt", extra);
}

std::string CardWith(const std::string& from, const std::string& to) {
  std::string card(kCard);
  return card.replace(card.find(from), from.size(), to);
}

void WriteAll(const std::string& folder) {
  const std::string mean = "    m = torch.mean(torch.mean(x, 2), 1)\n";
  const std::string good = Forward(mean + "    return torch.sigmoid(m)\n");
  Write(folder, "good", good);
  Write(folder, "logit", Forward(mean + "    return m\n"), CardWith("probability", "logit"));
  Write(folder, "column", Forward(mean + "    return torch.sigmoid(m).unsqueeze(1)\n"));
  Write(folder, "no-card", good, "");
  Write(folder, "bad-card", good, CardWith("100", "\"fast\""));
  Write(folder, "other-input", Forward("    return x.reshape(-1, 7).mean(1)\n"));
  Write(folder, "no-forward", "def predict(self, x):\n    return x\n");
  Write(folder, "wrong-shape", Forward("    return torch.sigmoid(torch.mean(x, 2))\n"));
  Write(folder, "wrong-type", Forward(mean + "    return torch.sigmoid(m).double()\n"));
  Write(folder, "tuple", Forward(mean + "    return (m, m)\n"));
  Write(folder, "random", Forward("    return torch.rand([x.size(0)])\n"));
  Write(folder, "dropout",
        Forward(mean + "    return torch.sigmoid(torch.dropout(m + 1.0, 0.5, True))\n"));
  Write(folder, "nan", Forward(mean + "    return m / 0.0\n"));
  Write(folder, "out-of-range", Forward(mean + "    return m + 2.0\n"));
  Write(folder, "raises", Forward("    assert False, \"not today\"\n    return x\n"));
  Write(folder, "endless",
        Forward("    n = 0\n    while n >= 0:\n        n = (n + 1) % 7\n    return x\n"));
  // The sum keeps the interpreter from seeing that it never ends, and passes the test of zeros.
  Write(folder, "endless-later",
        Forward(mean + "    n = 0\n    while bool(torch.amax(x) > 90.0):\n"
                       "        n = (n + 1) % 7\n"
                       "    return torch.sigmoid(m + float(n))\n"));
  Write(folder, "hungry",
        Forward(mean + "    t = [torch.ones([100000000])]\n    while len(t) < 1000:\n"
                       "        t.append(torch.ones([100000000]))\n"
                       "    return torch.sigmoid(m + t[0][0])\n"));
  Write(folder, "writes-file",
        Forward(mean + "    torch.save(x, \"" + folder +
                "/written\")\n    return torch.sigmoid(m)\n"));
  Write(folder, "reads-file",
        Forward(mean + "    f = torch.from_file(\"" + folder +
                "/secret\", False, 8, dtype=0)\n    return torch.sigmoid(m + 0.001 * "
                "torch.mean(f.float()))\n"));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    WriteAll(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    (void)std::fputs(error.what(), stderr);
    return 1;
  }
}
