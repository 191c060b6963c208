
import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
)

const (
	headLength = 64 * 1024 // bytes from the start of a file in which its facts stand
	mostPixels = 1 << 26   // of a mask that is decoded
)

// Picture is what a picture's header says.
type Picture struct {
	// Format is "png", "jpeg", "webp", "gif", "svg", or "" for anything else.
	Format string
	// Width and Height are pixels once upright, 0 where they are not known.
	Width, Height int
	// Alpha says whether it has an alpha channel.
	Alpha bool
}

// kind is a format, its suffix and its media type.
type kind struct{ format, suffix, mediaType string }

var signatures = []struct {
	start string
	kind  kind
}{
	{"\x89PNG\r\n\x1a\n", kind{"png", "png", "image/png"}},
	{"\xff\xd8\xff", kind{"jpeg", "jpg", "image/jpeg"}},
	{"GIF87a", kind{"gif", "gif", "image/gif"}},
	{"GIF89a", kind{"gif", "gif", "image/gif"}},
}

// sniff is the kind that the bytes of a picture tell, the zero kind for anything else.
func sniff(content []byte) kind {
	for _, one := range signatures {
		if bytes.HasPrefix(content, []byte(one.start)) {
			return one.kind
		}
	}
	if len(content) >= 12 && string(content[:4]) == "RIFF" && string(content[8:12]) == "WEBP" {
		return kind{"webp", "webp", "image/webp"}
	}
	start := content[:min(len(content), 1024)]
	if bytes.Contains(start, []byte("<svg")) && strings.HasPrefix(strings.TrimLeft(string(start), "\ufeff \t\r\n"), "<") {
		return kind{"svg", "svg", "image/svg+xml"}
	}
	return kind{}
}

// ReadPicture tells what a picture is by its first bytes; it is not decoded.
func ReadPicture(content []byte) Picture {
	head := content[:min(len(content), headLength)]
	found := Picture{Format: sniff(head).format}
	switch found.Format {
	case "png":
		readPNG(head, &found)
	case "jpeg":
		readJPEG(head, &found)
	case "gif":
		if len(head) >= 10 {
			found.Width = int(binary.LittleEndian.Uint16(head[6:]))
			found.Height = int(binary.LittleEndian.Uint16(head[8:]))
		}
	case "webp":
		readWebP(head, &found)
	}
	return found
}

func readPNG(head []byte, found *Picture) {
	if len(head) < 26 {
		return
	}
	found.Width, found.Height = int(binary.BigEndian.Uint32(head[16:])), int(binary.BigEndian.Uint32(head[20:]))
	found.Alpha = head[25] == 4 || head[25] == 6
	for at := 8; at+8 <= len(head) && !found.Alpha; {
		found.Alpha = string(head[at+4:at+8]) == "tRNS"
		at += 12 + int(binary.BigEndian.Uint32(head[at:]))
	}
}

func readWebP(head []byte, found *Picture) {
	if len(head) < 30 {
		return
	}
	three := func(at int) int { return int(head[at]) | int(head[at+1])<<8 | int(head[at+2])<<16 }
	switch string(head[12:16]) {
	case "VP8X":
		found.Width, found.Height, found.Alpha = 1+three(24), 1+three(27), head[20]&0x10 != 0
	case "VP8L":
		bits := binary.LittleEndian.Uint32(head[21:])
		found.Width, found.Height, found.Alpha = 1+int(bits&0x3fff), 1+int(bits>>14&0x3fff), bits>>28&1 == 1
	default:
		found.Width = int(binary.LittleEndian.Uint16(head[26:]) & 0x3fff)
		found.Height = int(binary.LittleEndian.Uint16(head[28:]) & 0x3fff)
	}
}

func readJPEG(head []byte, found *Picture) {
	sideways := false
	for at := 2; at+9 <= len(head) && head[at] == 0xff; {
		marker, length := head[at+1], int(binary.BigEndian.Uint16(head[at+2:]))
		if marker == 0xe1 && bytes.HasPrefix(head[at+4:], []byte("Exif\x00\x00")) {
			sideways = orientation(head[min(at+10, len(head)):min(at+2+length, len(head))]) >= 5
		}
		if marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc {
			found.Height = int(binary.BigEndian.Uint16(head[at+5:]))
			found.Width = int(binary.BigEndian.Uint16(head[at+7:]))
			if sideways {
				found.Width, found.Height = found.Height, found.Width
			}
			return
		}
		at += 2 + length
	}
}

// orientation is that of EXIF, 1 to 8; from 5 on a picture lies on its side.
func orientation(exif []byte) int {
	if len(exif) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(exif[:2]) == "II" {
		order = binary.LittleEndian
	}
	start := int(order.Uint32(exif[4:]))
	if start < 0 || start+2 > len(exif) {
		return 1
	}
	for number := range int(order.Uint16(exif[start:])) {
		at := start + 2 + 12*number
		if at+12 > len(exif) {
			return 1
		}
		if order.Uint16(exif[at:]) == 0x0112 {
			return int(order.Uint16(exif[at+8:]))
		}
	}
	return 1
}

// isSeeThrough says whether some pixel of a PNG is below full alpha; known is false where it cannot be told.
func isSeeThrough(content []byte) (found, known bool) {
	told := ReadPicture(content)
	if told.Format != "png" || told.Width <= 0 || told.Height <= 0 || told.Width > mostPixels/told.Height {
		return false, false
	}
	if !told.Alpha {
		return false, true
	}
	decoded, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		return false, false
	}
	if opaque, tells := decoded.(interface{ Opaque() bool }); tells {
		return !opaque.Opaque(), true
	}
	return false, false
}

// MakeMask is a PNG mask for a picture: transparent, so edited, inside the boxes, and opaque everywhere else. The error
// says that the size of the picture is not known, or which box is empty or not inside it.
func MakeMask(picture []byte, boxes ...image.Rectangle) ([]byte, error) {
	told := ReadPicture(picture)
	if told.Width <= 0 || told.Height <= 0 || told.Width > mostPixels/told.Height {
		return nil, errors.New("the size of the picture is not known: not a PNG, JPEG, WebP or GIF")
	}
	if len(boxes) == 0 {
		return nil, errors.New("a mask needs a box")
	}
	whole := image.Rect(0, 0, told.Width, told.Height)
	mask := image.NewNRGBA(whole)
	for at := 3; at < len(mask.Pix); at += 4 {
		mask.Pix[at] = 0xff
	}
	for _, box := range boxes {
		if box.Empty() || !box.In(whole) {
			return nil, fmt.Errorf("the box %v is empty, or not inside %dx%d", box, told.Width, told.Height)
		}
		for y := box.Min.Y; y < box.Max.Y; y++ {
			for x := box.Min.X; x < box.Max.X; x++ {
				mask.SetNRGBA(x, y, color.NRGBA{})
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, mask); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// CheckMask is an error for a mask that servers refuse: without alpha, opaque all over, or of another size than the
// picture.
func CheckMask(mask, picture []byte) error {
	told, wanted := ReadPicture(mask), ReadPicture(picture)
	if !told.Alpha {
		return fmt.Errorf("the mask has no alpha channel (format %q)", told.Format)
	}
	if found, known := isSeeThrough(mask); known && !found {
		return errors.New("the mask is opaque all over, so nothing would be edited")
	}
	if wanted.Width != 0 && (told.Width != wanted.Width || told.Height != wanted.Height) {
		return fmt.Errorf("the mask is %dx%d, the picture %dx%d", told.Width, told.Height, wanted.Width, wanted.Height)
	}
	return nil
}
