#include "assay/environment/kubernetes/manifests.h"

#include <gtest/gtest.h>

#include "lib/testing/temp_dir.h"

namespace assay::environment {
namespace {

using testing_support::TempDir;

const ManifestVariables kVariables = {{"TAG", "1.2"}, {"NAME", "web"}};

TEST(FillManifest, ReplacesTheVariablesThatThereAre) {
  EXPECT_EQ(FillManifest("image: ${NAME}:${TAG}", kVariables), "image: web:1.2");
  EXPECT_EQ(FillManifest("echo ${HOME} $TAG ${", kVariables), "echo ${HOME} $TAG ${");
  EXPECT_EQ(FillManifest("echo $${TAG} ${TAG}", kVariables), "echo ${TAG} 1.2");
  EXPECT_EQ(FillManifest("${HOME${TAG}}", kVariables), "${HOME1.2}");
  EXPECT_EQ(FillManifest("$${HOME}", kVariables), "$${HOME}");
  EXPECT_EQ(FillManifest("", kVariables), "");
}

TEST(FillManifest, AValueIsNotReadAgain) {
  EXPECT_EQ(FillManifest("${A}", {{"A", "${B}"}, {"B", "no"}}), "${B}");
}

TEST(ReadManifests, TakesFilesAsTheyComeAndFoldersByName) {
  TempDir folder;
  folder.Write("last.yaml", "c");
  folder.Write("all/b.yml", "b ${TAG}");
  folder.Write("all/a.json", "a");
  folder.Write("all/notes.md", "no");
  folder.Write("all/deeper/d.yaml", "no");
  const auto manifests = ReadManifests({folder / "all", folder / "last.yaml"}, kVariables).value();
  ASSERT_EQ(manifests.size(), 3U);
  EXPECT_EQ(manifests[0].text, "a");
  EXPECT_EQ(manifests[1].text, "b 1.2");
  EXPECT_EQ(manifests[2].file, (folder / "last.yaml").string());
}

TEST(ReadManifests, SaysWhatIsWrongWithAPath) {
  TempDir folder;
  folder.Write("empty/readme.txt", "");
  folder.Write("kustomized/kustomization.yaml", "");
  EXPECT_EQ(ReadManifests({folder / "none.yaml"}, {}).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(ReadManifests({folder / "empty"}, {}).error().code, base::ErrorCode::kNotFound);
  const auto refused = ReadManifests({folder / "kustomized"}, {});
  EXPECT_EQ(refused.error().code, base::ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().hint.find("kubectl kustomize"), std::string::npos);
}

}  // namespace
}  // namespace assay::environment
