
import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const unnamed = "picture" // is what a file is called in a folder

// saveFile writes a file, and says where. A folder that is not there is told before anything is downloaded.
func saveFile(path string, load func() ([]byte, error)) (string, error) {
	folder, name := filepath.Split(path)
	if about, err := os.Stat(path); err == nil && about.IsDir() {
		folder, name = path, ""
	}
	if folder == "" {
		folder = "."
	}
	if about, err := os.Stat(folder); err != nil {
		return "", err
	} else if !about.IsDir() {
		return "", fmt.Errorf("%s is not a folder", folder)
	}
	data, err := load()
	if err != nil {
		return "", err
	}
	suffix := firstOf(sniff(data).suffix, "bin")
	if name == "" || name == filepath.Ext(name) { // no name, or a suffix alone
		return saveUnnamed(folder, firstOf(strings.TrimPrefix(name, "."), suffix), data)
	}
	if path = strings.TrimRight(path, "."); filepath.Ext(path) == "" && suffix != "bin" {
		path += "." + suffix
	}
	return path, replaceFile(path, data)
}

// saveUnnamed writes a file under the first name that is free.
func saveUnnamed(folder, suffix string, data []byte) (string, error) {
	beside, err := writeBeside(filepath.Join(folder, unnamed), data)
	if err != nil {
		return "", err
	}
	defer os.Remove(beside)
	for number := 1; ; number++ {
		path := filepath.Join(folder, unnamed+"."+suffix)
		if number > 1 {
			path = filepath.Join(folder, fmt.Sprintf("%s-%d.%s", unnamed, number, suffix))
		}
		err := os.Link(beside, path) // never replaces a file
		if err == nil {
			return path, nil
		}
		if _, missing := os.Lstat(path); missing != nil { // a file system without links
			return path, os.Rename(beside, path)
		}
	}
}

// replaceFile writes a file whole or not at all. One that is there keeps its mode; what is no plain file, such as a pipe,
// is written to.
func replaceFile(path string, data []byte) error {
	target := path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		target = real
	}
	about, err := os.Stat(target)
	if err == nil && !about.Mode().IsRegular() {
		return os.WriteFile(target, data, 0o666)
	}
	beside, writeErr := writeBeside(target, data)
	if writeErr != nil {
		return writeErr
	}
	if err == nil {
		err = os.Chmod(beside, about.Mode().Perm())
	} else {
		err = nil
	}
	if err == nil {
		err = os.Rename(beside, target)
	}
	if err != nil {
		os.Remove(beside)
	}
	return err
}

// writeBeside writes bytes into a new file beside a path, and says where; the file is gone where that fails.
func writeBeside(path string, data []byte) (string, error) {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails where Go runs
	beside := filepath.Join(filepath.Dir(path), fmt.Sprintf("%s.%s.part", filepath.Base(path), hex.EncodeToString(random)))
	file, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	_, err = file.Write(data)
	if err := errors.Join(err, file.Close()); err != nil {
		os.Remove(beside)
		return "", err
	}
	return beside, nil
}
